"""The bootstrap over groups: its law, its oracle, and what it refuses to claim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from analysis.scoring.boundary import no_boundaries
from analysis.scoring.count_totals import CollectedTotals, Totals
from analysis.scoring.intervals import Intervals, bootstrap, group_draws, interval
from analysis.scoring.scores import mean_defined, score


def totals(tp: int, fp: int, fn: int, tn: int = 1000) -> Totals:
    return Totals(1, np.array([[tn, fp], [fn, tp]], np.int64), no_boundaries(2))


def drawn(by_group: Mapping[str, Totals], draws: int, seed: int = 0, images: int = 1) -> Intervals:
    """Of groups of so many images, each with the scores of its group."""
    collected = CollectedTotals()
    numbers = np.repeat([collected.add(name, each) for name, each in by_group.items()], images)
    groups = collected.totals()
    return bootstrap(groups, groups.scores()[numbers], numbers, draws, seed)


RNG = np.random.default_rng(4)
GROUPS = {f"car{n}": totals(*RNG.integers(20, 200, 3).tolist()) for n in range(12)}


def test_draws_are_of_whole_groups_and_repeat() -> None:
    draws = np.concatenate(list(group_draws(5, 230, 7)))
    assert draws.shape == (230, 5)
    assert (draws.sum(axis=1) == 5).all()
    assert np.array_equal(draws, np.concatenate(list(group_draws(5, 230, 7))))
    assert not np.array_equal(draws, np.concatenate(list(group_draws(5, 230, 8))))
    assert draws.mean() == pytest.approx(1)


def test_an_interval_is_the_middle_of_what_is_known() -> None:
    values = np.arange(1001.0)
    assert interval(np.append(values, np.nan)) == pytest.approx((25, 975))
    assert interval(np.array([np.nan, np.nan])) is None


def test_pooled_iou_is_that_of_the_drawn_groups() -> None:
    found = drawn(GROUPS, 300)
    ious = []
    for weights in np.concatenate(list(group_draws(12, 300, 0))):
        confusion = sum(n * each.confusion for n, each in zip(weights, GROUPS.values(), strict=True))
        ious.append(score(np.asarray(confusion)).per_class["iou"][1])
    assert found.overall is not None
    assert found.overall.per_class["iou"][1] == pytest.approx(np.quantile(ious, [0.025, 0.975]))
    assert found.overall.per_class["boundary_iou"] == [None, None]


def test_the_mean_over_images_agrees_with_scipy() -> None:
    found = drawn(GROUPS, 4000)
    values = np.array([each.per_class["iou"][1] for each in map(Totals.scores, GROUPS.values())])
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert found.per_image_mean is not None
    assert found.per_image_mean.per_class["iou"][1] == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_images_without_the_class_are_left_out_of_the_mean() -> None:
    groups = {"a": totals(90, 10, 0), "b": totals(0, 0, 0), "c": totals(90, 10, 0)}
    found = drawn(groups, 200)
    assert found.per_image_mean is not None
    assert found.per_image_mean.per_class["iou"][1] == pytest.approx((0.9, 0.9))


def test_images_of_a_group_are_drawn_together() -> None:
    """Two cars of ten like images each say no more than two images would."""
    alike = {"a": totals(90, 10, 0), "b": totals(50, 50, 0)}
    found = drawn(alike, 400, images=10)
    assert found.per_image_mean is not None
    assert found.per_image_mean.per_class["iou"][1] == pytest.approx((0.5, 0.9))


def test_the_interval_holds_the_score() -> None:
    found = drawn(GROUPS, 500, seed=3)
    pooled = score(np.asarray(sum(each.confusion for each in GROUPS.values())))
    assert found.overall is not None
    for key, intervals in found.overall.per_class.items():
        for value, bounds in zip(pooled.per_class.get(key, []), intervals, strict=False):
            assert bounds is None or bounds[0] <= value <= bounds[1], key
    low, high = found.overall.totals["mean_iou"] or (1, 0)
    assert low <= mean_defined(pooled.per_class["iou"]) <= high


def test_one_group_or_no_draws_claim_nothing() -> None:
    one = drawn({"a": totals(1, 1, 1)}, 100)
    assert (one.groups, one.overall, one.per_image_mean) == (1, None, None)
    assert drawn(GROUPS, 0).overall is None


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_how_many_draws_are_worked_on_together_does_not_change_them(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.concatenate(list(group_draws(5, 30, seed=3)))
    monkeypatch.setattr("analysis.scoring.intervals._DRAWN", 5 * at_once)
    found = list(group_draws(5, 30, seed=3))
    assert len(found[0]) == min(at_once, 30)
    assert np.array_equal(np.concatenate(found), whole)

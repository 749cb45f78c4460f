"""Scores of matrices small enough to work out by hand, and against other people's code."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis.scoring.counts import Confusion, count
from analysis.scoring.image_scores import mean_over_images, with_absent
from analysis.scoring.scores import (
    BOUNDARY_METRICS,
    METRICS,
    false_positive_pixels,
    mean_defined,
    missed_pixels,
    score,
    scores_to_json,
)

NAN = math.nan
KEYS = tuple(metric.key for metric in METRICS)


def matrix(*rows: list[int]) -> Confusion:
    return np.array(rows, np.int64)


@pytest.mark.parametrize(
    ("key", "background", "car"),
    [
        ("iou", 6 / 10, 3 / 7),
        ("dice", 12 / 16, 6 / 10),
        ("precision", 6 / 7, 3 / 6),
        ("recall", 6 / 9, 3 / 4),
        ("specificity", 3 / 4, 6 / 9),
        ("false_positive_rate", 1 / 4, 3 / 9),
    ],
)
def test_two_classes_by_hand(key: str, background: float, car: float) -> None:
    scores = score(matrix([6, 3], [1, 3]))
    assert scores.per_class[key].tolist() == pytest.approx([background, car])
    assert mean_defined(scores.per_class[key]) == pytest.approx((background + car) / 2)
    assert scores.foreground_mean(key) == pytest.approx(car)
    assert scores.totals["pixel_accuracy"] == pytest.approx(9 / 13)


def test_every_score_says_what_it_is() -> None:
    assert set(KEYS) == {"iou", "dice", "precision", "recall", "specificity", "false_positive_rate"}
    assert all(metric.formula and metric.meaning for metric in METRICS)
    assert all(metric.formula and metric.meaning for metric in BOUNDARY_METRICS)


NUM_CLASSES = 4
RNG = np.random.default_rng(5)
TRUTH, PREDICTION = RNG.integers(0, NUM_CLASSES, (2, 60, 70)).astype(np.uint8)
TRUTH[RNG.random(TRUTH.shape) < 0.1] = 255


@pytest.mark.parametrize(
    ("key", "metric"),
    [
        ("iou", "MulticlassJaccardIndex"),
        ("dice", "MulticlassF1Score"),
        ("precision", "MulticlassPrecision"),
        ("recall", "MulticlassRecall"),
        ("specificity", "MulticlassSpecificity"),
    ],
)
def test_scores_equal_torchmetrics(key: str, metric: str) -> None:
    import torchmetrics.classification  # which takes longer than these tests, and other workers need not

    theirs = getattr(torchmetrics.classification, metric)(num_classes=NUM_CLASSES, average=None, ignore_index=255)
    expected = theirs(torch.from_numpy(PREDICTION).long(), torch.from_numpy(TRUTH).long()).tolist()
    ours = score(count(TRUTH, PREDICTION, NUM_CLASSES)).per_class[key]
    assert ours.tolist() == pytest.approx(expected)


def test_scores_equal_scikit_learn() -> None:
    import sklearn.metrics

    valid = TRUTH != 255
    pair = TRUTH[valid], PREDICTION[valid]
    scores = score(count(TRUTH, PREDICTION, NUM_CLASSES))
    for key, theirs in (("iou", sklearn.metrics.jaccard_score), ("dice", sklearn.metrics.f1_score)):
        assert scores.per_class[key].tolist() == pytest.approx(theirs(*pair, average=None).tolist())
    assert scores.totals["pixel_accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(*pair))


def test_kaggles_dice_equals_torchmetrics_mean_over_images() -> None:
    from torchmetrics.segmentation import GeneralizedDiceScore

    truth, prediction = RNG.integers(0, 2, (2, 5, 20, 20)).astype(np.uint8)
    theirs = GeneralizedDiceScore(num_classes=1, per_class=False, weight_type="linear", input_format="one-hot")
    one_hot = (torch.from_numpy(each[:, None]).long() for each in (prediction, truth))
    expected = theirs(*one_hot).item()
    ours = mean_over_images(score(np.stack([count(*pair, 2) for pair in zip(truth, prediction, strict=True)])))
    assert ours.per_class["dice"][1] == pytest.approx(expected)


def test_an_absent_class_is_undefined_and_skipped() -> None:
    scores = score(matrix([4, 0, 0], [0, 0, 0], [2, 0, 2]))
    assert scores.per_class["iou"].tolist() == pytest.approx([4 / 6, NAN, 2 / 4], nan_ok=True)
    assert mean_defined(scores.per_class["iou"]) == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert scores.foreground_mean("iou") == pytest.approx(2 / 4)
    assert scores.per_class["false_positive_rate"].tolist() == pytest.approx([2 / 4, 0, 0])


def test_nothing_counted_is_undefined_throughout() -> None:
    scores = score(matrix([0, 0], [0, 0]))
    assert all(np.isnan(scores.per_class[key]).all() for key in KEYS)
    assert math.isnan(scores.totals["pixel_accuracy"])
    assert math.isnan(mean_defined(scores.per_class["iou"]))


def test_mean_over_images_skips_undefined_but_dice_of_empty_is_one() -> None:
    half, empty = matrix([2, 0], [1, 1]), matrix([4, 0], [0, 0])
    mean = mean_over_images(with_absent(score(np.stack([half, empty])), half + empty))
    assert mean.per_class["iou"].tolist() == pytest.approx([(2 / 3 + 1) / 2, 1 / 2])
    assert mean.per_class["dice"].tolist() == pytest.approx([(4 / 5 + 1) / 2, (2 / 3 + 1) / 2])
    assert mean.totals["pixel_accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert mean.totals["mean_dice"] == pytest.approx(((4 / 5 + 2 / 3) / 2 + 1) / 2)
    assert mean.totals["mean_iou"] == pytest.approx(((2 / 3 + 1 / 2) / 2 + 1) / 2)  # of the image's own means


def test_a_class_that_no_image_has_is_not_right_anywhere() -> None:
    """Nothing is predicted where one of twenty classes is true: not a Dice of 19 / 20."""
    blind = np.zeros((20, 20), np.int64)
    blind[0, 0], blind[3, 0] = 900, 100
    mean = mean_over_images(with_absent(score(blind[None]), blind))
    assert mean.totals["mean_dice"] == pytest.approx((1800 / 1900 + 0) / 2)
    assert np.flatnonzero(~np.isnan(mean.per_class["dice"])).tolist() == [0, 3]


def test_an_image_of_which_no_pixel_counts_is_not_right_either() -> None:
    nothing = with_absent(score(matrix([0, 0], [0, 0])), matrix([1, 0], [0, 1]))
    assert np.isnan(nothing.per_class["dice"]).all()
    assert math.isnan(nothing.totals["mean_dice"])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(2, 40), st.integers(0, 99))
def test_many_matrices_are_scored_to_the_bit_as_each_alone(kinds: list[int], classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    many = np.stack([rng.integers(0, 10**kind, (classes, classes)) * (kind > 0) for kind in kinds])
    outlines = rng.integers(1, 50, (len(kinds), classes, 1)) + np.array([0, 9, 0, 9, 0, 9])
    report = many.sum(axis=0)
    every = with_absent(score(many, outlines), report)
    for number, (one, outline) in enumerate(zip(many, outlines, strict=True)):
        alone = with_absent(score(one, outline), report)
        assert alone.classes.tobytes() == every[number].classes.tobytes()
        assert alone.means.tobytes() == every[number].means.tobytes()
        assert np.array_equal(every.foreground_means("iou")[number], alone.foreground_mean("iou"), equal_nan=True)


def test_false_positives_and_missed_are_about_foreground() -> None:
    confused = matrix([10, 1, 2], [4, 20, 8], [16, 32, 30])
    assert false_positive_pixels(confused) == 1 + 2 + 8 + 32
    assert missed_pixels(confused) == 4 + 16


def test_json_has_null_for_undefined() -> None:
    content = scores_to_json(score(matrix([4, 0], [0, 0])), ("_background_", "car"))
    assert json.loads(json.dumps(content, allow_nan=False)) == {
        "iou": {"_background_": 1.0, "car": None},
        "dice": {"_background_": 1.0, "car": None},
        "precision": {"_background_": 1.0, "car": None},
        "recall": {"_background_": 1.0, "car": None},
        "specificity": {"_background_": None, "car": 1.0},
        "false_positive_rate": {"_background_": None, "car": 0.0},
        "mean_iou": 1.0,
        "mean_dice": 1.0,
        "mean_iou_foreground": None,
        "pixel_accuracy": 1.0,
    }

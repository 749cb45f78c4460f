"""What INT8 loses, by counts written out, and what of it is refused."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from analysis.scoring.counts import Confusion
from formats.errors import SagesegError
from formats.prepared.label_map import make_label_map
from sageseg.int8_gate import check_loss, count_split, describe_loss, measure_loss, validation_rows
from tests.support.bright_model import Brightness
from tests.support.dataset_samples import disc_image, make_dataset


def counts(*groups: list[list[int]]) -> Confusion:
    return np.array(groups, np.int64)


PLAIN = counts([[90, 0], [0, 10]], [[80, 0], [0, 20]])
INT8 = counts([[89, 1], [0, 10]], [[80, 0], [4, 16]])


def mean_iou(counted: Confusion) -> float:
    """As written in docs/metrics.md, class by class."""
    scores = []
    for number in range(len(counted)):
        both = counted[number, number]
        either = counted[number].sum() + counted[:, number].sum() - both
        scores.append(both / either)
    return float(sum(scores) / len(scores))


def test_the_loss_is_that_of_the_pooled_counts() -> None:
    found = measure_loss(PLAIN, INT8, "dataset")
    pooled = mean_iou(INT8.sum(axis=0))
    assert found.float32 == 1
    assert found.int8 == pytest.approx(pooled)
    assert found.loss == pytest.approx(1 - pooled)
    assert found.classes[1] == pytest.approx((1.0, 26 / 31))


def test_the_interval_goes_over_whole_groups_drawn_for_both_models_alike() -> None:
    """Of two groups a quarter of all draws has one of them twice: the 95 % reach to each group's own loss."""
    found = measure_loss(PLAIN, INT8, "dataset")
    possible = sorted(1 - mean_iou(INT8[list(drawn)].sum(axis=0)) for drawn in product((0, 1), repeat=2))
    assert found.interval == pytest.approx((possible[0], possible[-1]))
    assert found.at_most == pytest.approx(possible[-1])


def test_models_that_predict_alike_lose_nothing_for_sure() -> None:
    found = measure_loss(INT8, INT8, "dataset")
    assert (found.loss, found.interval) == (0, (0, 0))
    check_loss(found, 0, "model.onnx")


def test_the_end_of_the_interval_decides() -> None:
    found = measure_loss(PLAIN, INT8, "dataset")
    check_loss(found, found.at_most, "model.onnx")
    with pytest.raises(SagesegError, match=r"^model\.onnx: INT8 loses 0\.0\d+ of mean IoU, 1\.0000 to .* it may lose"):
        check_loss(found, (found.loss + found.at_most) / 2, "model.onnx")


def test_where_no_pixel_is_true_there_is_no_verdict() -> None:
    nothing = np.zeros((2, 2, 2), np.int64)
    with pytest.raises(SagesegError, match="dataset: too few validation images for a verdict: no pixel"):
        measure_loss(nothing, nothing, "dataset")


def test_a_class_that_nobody_has_is_left_out() -> None:
    wider = np.zeros((2, 3, 3), np.int64)
    wider[:, :2, :2] = PLAIN
    found = measure_loss(wider, wider, "dataset")
    assert found.float32 == 1
    assert math.isnan(found.classes[2][0])
    assert found.to_json(["_background_", "car", "road"])["iou"]["road"] == {"float32": None, "int8": None}


def test_the_sentence_tells_how_sure_it_is() -> None:
    assert describe_loss(measure_loss(PLAIN, PLAIN, "dataset")) == (
        "loses 0.0000 of mean IoU, 1.0000 to 1.0000 (95 % sure of 0.0000 to 0.0000, 2 groups)"
    )


@pytest.mark.parametrize(("splits", "groups"), [({}, 1), ({"a_1": "train", "a_2": "train"}, 0)])
def test_fewer_than_two_groups_are_too_few(splits: dict[str, str], groups: int, tmp_path: Path) -> None:
    shots = {f"a_{number}": disc_image(24, 24, seed=number) for number in (1, 2)}
    dataset = make_dataset(tmp_path / "d", shots, splits=splits)
    with pytest.raises(SagesegError, match=rf"d: too few validation images for a verdict: its crops are of {groups} g"):
        validation_rows(dataset)


def test_pixels_are_counted_by_group_and_by_the_jobs_label_map(tmp_path: Path) -> None:
    shots = {f"{group}_{number}": disc_image(24, 20, seed=number) for group in "ba" for number in (1, 2)}
    dataset = make_dataset(tmp_path / "d", shots, splits={"a_1": "train"})
    model = Brightness()
    plain = count_split(model, dataset, None, "score")
    assert plain.shape == (2, 2, 2)
    assert plain.sum(axis=(1, 2)).tolist() == [480, 960]
    assert np.trace(plain.sum(axis=0)) == plain.sum()
    turned = make_label_map({"map": {"0": 1, "1": 0}}, 2, "map")
    np.testing.assert_array_equal(count_split(model, dataset, turned, "score"), plain[:, ::-1])

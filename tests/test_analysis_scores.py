"""Scores of matrices small enough to work out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from analysis.counts import Confusion
from analysis.scores import false_positive_pixels, mean_over_images, missed_pixels, score, scores_to_json

NAN = math.nan
KEYS = ("iou", "dice", "precision", "recall", "false_positive_rate")


def matrix(*rows: list[int]) -> Confusion:
    return np.array(rows, np.int64)


@pytest.mark.parametrize(
    ("key", "background", "car"),
    [
        ("iou", 6 / 10, 3 / 7),
        ("dice", 12 / 16, 6 / 10),
        ("precision", 6 / 7, 3 / 6),
        ("recall", 6 / 9, 3 / 4),
        ("false_positive_rate", 1 / 4, 3 / 9),
    ],
)
def test_two_classes_by_hand(key: str, background: float, car: float) -> None:
    scores = score(matrix([6, 3], [1, 3]))
    assert scores.per_class[key].tolist() == pytest.approx([background, car])
    assert scores.mean(key) == pytest.approx((background + car) / 2)
    assert scores.foreground_mean(key) == pytest.approx(car)
    assert scores.pixel_accuracy == pytest.approx(9 / 13)


def test_an_absent_class_is_undefined_and_skipped() -> None:
    scores = score(matrix([4, 0, 0], [0, 0, 0], [2, 0, 2]))
    assert scores.per_class["iou"].tolist() == pytest.approx([4 / 6, NAN, 2 / 4], nan_ok=True)
    assert scores.mean("iou") == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert scores.foreground_mean("iou") == pytest.approx(2 / 4)
    assert scores.per_class["false_positive_rate"].tolist() == pytest.approx([2 / 4, 0, 0])


def test_nothing_counted_is_undefined_throughout() -> None:
    scores = score(matrix([0, 0], [0, 0]))
    assert all(np.isnan(scores.per_class[key]).all() for key in KEYS)
    assert math.isnan(scores.pixel_accuracy)
    assert math.isnan(scores.mean("iou"))


def test_mean_over_images_skips_undefined_but_dice_of_empty_is_one() -> None:
    half, empty = score(matrix([2, 0], [1, 1])), score(matrix([4, 0], [0, 0]))
    mean = mean_over_images([half, empty])
    assert mean.per_class["iou"].tolist() == pytest.approx([(2 / 3 + 1) / 2, 1 / 2])
    assert mean.per_class["dice"].tolist() == pytest.approx([(4 / 5 + 1) / 2, (2 / 3 + 1) / 2])
    assert mean.pixel_accuracy == pytest.approx((3 / 4 + 1) / 2)


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
        "false_positive_rate": {"_background_": None, "car": 0.0},
        "mean_iou": 1.0,
        "mean_dice": 1.0,
        "mean_iou_foreground": None,
        "pixel_accuracy": 1.0,
    }

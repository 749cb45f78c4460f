"""Confusion matrices: an image becomes a matrix, matrices add, scores come after."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.masks import Mask, check_values

Confusion = npt.NDArray[np.int64]
"""Pixels by class, shape (C, C), dtype int64: rows are the truth, columns the prediction."""

_EXACT = 2**24
"""cv2.calcHist answers in float32, which holds whole numbers exactly up to here."""


def no_counts(num_classes: int) -> Confusion:
    return np.zeros((num_classes, num_classes), np.int64)


def count(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    """The confusion matrix of two masks of one shape; pixels that are ignore (255) in the truth
    are left out.

    Raises ValueError for shapes that differ and for values that are no class: files are checked
    by `check_truth` and `check_prediction` when they are read.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    if prediction.max(initial=0) >= num_classes:
        raise ValueError(f"prediction holds {prediction.max()}, no class of {num_classes}")
    return _count_two(truth, prediction) if num_classes == 2 else _count_many(truth, prediction, num_classes)


def _count_two(truth: Mask, prediction: Mask) -> Confusion:
    # Bytes of 0 and 1 are booleans, and numpy counts booleans an order faster than bincount does.
    total = truth.size
    if truth.max(initial=0) > 1:
        valid = truth <= 1
        total = _true(valid)
        _require_counted(total, truth)
        truth, prediction = truth & valid, prediction & valid
    both = _true((truth & prediction).view(np.bool_))
    true, predicted = _true(truth.view(np.bool_)), _true(prediction.view(np.bool_))
    return np.array([[total - true - predicted + both, predicted - both], [true - both, both]], np.int64)


def _true(flags: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(flags))


def _count_many(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    flat_truth, flat_prediction = truth.reshape(1, -1), prediction.reshape(1, -1)
    total = no_counts(num_classes)
    for start in range(0, truth.size, _EXACT):
        pair = [flat_truth[:, start : start + _EXACT], flat_prediction[:, start : start + _EXACT]]
        # Values outside the ranges, so also ignore, are not counted.
        sizes, ranges = [num_classes, num_classes], [0, num_classes, 0, num_classes]
        total += cv2.calcHist(pair, [0, 1], None, sizes, ranges).astype(np.int64)
    _require_counted(int(total.sum()), truth)
    return total


def _require_counted(counted: int, truth: Mask) -> None:
    if counted + np.count_nonzero(truth == IGNORE) != truth.size:
        raise ValueError(f"truth holds values that are neither a class nor ignore ({IGNORE})")


def check_truth(mask: Mask, num_classes: int, path: Path) -> None:
    """Raise SagesegError when a true mask holds a value that is neither a class nor ignore (255)."""
    if mask.max(initial=0) >= num_classes:
        check_values(mask, num_classes, path)


def check_prediction(mask: Mask, num_classes: int, path: Path) -> None:
    """Raise SagesegError when a predicted mask holds a value that is no class; ignore (255) is none."""
    highest = int(mask.max(initial=0))
    if highest >= num_classes:
        ignored = ", and ignore is never predicted" if highest == IGNORE else ""
        raise SagesegError(
            f"{path}: predicted value {highest} is no class; expected 0 to {num_classes - 1}{ignored}: predict again"
        )

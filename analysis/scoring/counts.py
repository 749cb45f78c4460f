"""Confusion matrices: an image becomes a matrix, matrices add, scores come after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.pairs import PairRuns
from formats.arrays import Flags
from formats.classes import IGNORE
from formats.masks import Mask

Confusion = npt.NDArray[np.int64]
"""Pixels by class, shape (C, C), dtype int64: rows are the truth, columns the prediction."""

_BLOCK = 2**20
"""Pixels counted at once: few enough that what is made of them on the way stays in the cache, and far
fewer than the 2^24 up to which cv2.calcHist, which answers in float32, holds whole numbers exactly."""
_PIXELS_PER_RUN = 16
"""Masks are patches of one class: counting runs is faster, as long as they are longer than this."""
_SAMPLE = 256


@dataclass(frozen=True)
class Counts:
    """What is counted of images, and adds up field by field."""

    def __add__(self, other: Self) -> Self:
        return replace(self, **{name: value + getattr(other, name) for name, value in vars(self).items()})


def no_counts(num_classes: int) -> Confusion:
    return np.zeros((num_classes, num_classes), np.int64)


def count(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    """The confusion matrix of two masks of one shape; pixels that are ignore (255) in the truth
    are left out.

    Raises ValueError for shapes that differ and for values that are no class: files are checked
    when they are read (`analysis.masks.reading`).
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth {truth.shape} and prediction {prediction.shape} differ in shape")
    if prediction.max(initial=0) >= num_classes:
        raise ValueError(f"prediction holds {prediction.max()}, no class of {num_classes}")
    flat_truth, flat_prediction = truth.ravel(), prediction.ravel()
    total = no_counts(num_classes)
    for start in range(0, truth.size, _BLOCK):
        block = flat_truth[start : start + _BLOCK], flat_prediction[start : start + _BLOCK]
        total += _count_two(*block) if num_classes == 2 else _count_many(*block, num_classes)
    return total


def count_pairs(found: PairRuns, num_classes: int) -> Confusion:
    """The confusion matrix of two masks by their pairs."""
    # the weights become float64, which holds an image's pixels exactly
    counted = np.bincount(found.codes, found.lengths, num_classes**2)[: num_classes**2]
    return counted.astype(np.int64).reshape(num_classes, num_classes)


def _count_two(truth: Mask, prediction: Mask) -> Confusion:
    # what two values are is told by counting bytes that are not zero, the fastest pass there is
    signed = truth.view(np.int8)
    if signed.max() > 1 or signed.min() < -1:
        raise _foreign()
    both, true, predicted = map(cv2.countNonZero, (truth & prediction, truth, prediction))
    total = truth.size
    if signed.min() < 0:
        ignore = (truth == IGNORE).view(np.uint8)
        ignored, ignored_predicted = cv2.countNonZero(ignore), cv2.countNonZero(ignore & prediction)
        total, true = total - ignored, true - ignored
        both, predicted = both - ignored_predicted, predicted - ignored_predicted
    return np.array([[total - true - predicted + both, predicted - both], [true - both, both]], np.int64)


def _foreign() -> ValueError:
    return ValueError(f"truth holds values that are neither a class nor ignore ({IGNORE})")


def _count_many(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    count_all = _count_runs if _has_long_runs(truth, prediction) else _count_pixels
    counted = count_all(truth, prediction, num_classes)
    left_out = truth.size - int(counted.sum())
    if left_out and left_out != _count_true(truth == IGNORE):
        raise _foreign()
    return counted


def _has_long_runs(truth: Mask, prediction: Mask) -> bool:
    """Whether both masks mostly stay as they are from pixel to pixel, by a sixteenth of them."""
    step = 16 * _SAMPLE
    blocks = max(truth.size // step, 1)
    parts = (mask[: blocks * step].reshape(blocks, -1)[:, :_SAMPLE] for mask in (truth, prediction))
    changes = sum(_count_true(part[:, 1:] != part[:, :-1]) for part in parts)
    return changes * _PIXELS_PER_RUN <= min(blocks * _SAMPLE, truth.size)


def _count_true(flags: Flags) -> int:
    return cv2.countNonZero(flags.view(np.uint8))


def _count_runs(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    changes = truth[1:] != truth[:-1]
    changes |= prediction[1:] != prediction[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=truth.size)
    true, predicted = truth[starts], prediction[starts]
    known = true < num_classes
    codes = true[known].astype(np.int64) * num_classes + predicted[known]
    # the weights become float64, which holds a block's pixels exactly
    return np.bincount(codes, lengths[known], num_classes**2).astype(np.int64).reshape(num_classes, num_classes)


def _count_pixels(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    """Side by side both masks are numbers of 16 bits, which cv2 counts faster than pairs."""
    codes = np.asarray(cv2.merge([prediction.reshape(1, -1), truth.reshape(1, -1)])).view("<u2")
    bins = 256 * num_classes  # ignore, and whatever else is no class, lies beyond
    counted = cv2.calcHist([codes.reshape(1, -1)], [0], None, [bins], [0, bins])
    return counted.reshape(num_classes, 256)[:, :num_classes].astype(np.int64)

"""Probabilities counted: the threshold curve and the log-loss, from histograms that add up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.scoring.counts import Counts
from analysis.scoring.scores import METRICS, Tally, defined
from formats.arrays import Floats, Ints
from formats.classes import IGNORE
from formats.masks import Mask
from formats.predictions import Probabilities

LEVELS = 256
"""Thresholds, k / 255: those of KITTI's development kit."""
LEAST = 1e-7
"""Probabilities below count as this in the log-loss, or one pixel could make it infinite."""
_ONE = int(np.float16(1).view(np.uint16))
_BLOCK = 2**24
"""cv2.calcHist answers in float32, which holds whole numbers exactly up to here."""


@dataclass(frozen=True)
class ProbabilityCounts(Counts):
    """What is summed up of probabilities. `levels` counts pixels by class, by whether they truly
    are it, and by how many of the thresholds their probability reaches less one, int64, shape
    (C, 2, LEVELS); `loss` is the sum over `pixels` of -ln of the true class's probability."""

    levels: Ints
    loss: float
    pixels: int


def no_probabilities(num_classes: int) -> ProbabilityCounts:
    return ProbabilityCounts(np.zeros((num_classes, 2, LEVELS), np.int64), 0.0, 0)


def count_probabilities(truth: Mask, probabilities: Probabilities) -> ProbabilityCounts:
    """Count probabilities (C, h, w), checked to be 0..1, against a true mask (h, w); ignored pixels
    are left out.

    A float16 from 0 to 1 is one of 15361 values, and their bits order as they do: a histogram of
    the bits loses nothing.
    """
    bits = np.ascontiguousarray(probabilities).view(np.uint16).reshape(len(probabilities), -1)
    flat = truth.ravel()
    counts = no_probabilities(len(probabilities))
    for start in range(0, flat.size, _BLOCK):
        counts += _count_block(flat[start : start + _BLOCK], bits[:, start : start + _BLOCK])
    return counts


def _count_block(truth: Mask, bits: npt.NDArray[np.uint16]) -> ProbabilityCounts:
    valid = (truth != IGNORE).view(np.uint8)
    levels = np.zeros((len(bits), 2, LEVELS), np.int64)
    loss = 0.0
    for class_id, values in enumerate(bits):
        true = (truth == class_id).view(np.uint8)
        positive, both = _histogram(values, true), _histogram(values, valid)
        loss += float(positive @ _losses())
        levels[class_id] = np.add.reduceat([both - positive, positive], _level_starts(), axis=1)
    return ProbabilityCounts(levels, loss, int(cv2.countNonZero(valid)))


def _histogram(values: npt.NDArray[np.uint16], where: Mask) -> Ints:
    if not where.any():
        return np.zeros(_ONE + 1, np.int64)
    counted = cv2.calcHist([values.reshape(1, -1)], [0], where.reshape(1, -1), [_ONE + 1], [0, _ONE + 1])
    return counted.ravel().astype(np.int64)


def foreground_levels(probabilities: Probabilities) -> Mask:
    """How probable any class but the background is, 0..1 as 0..255, (h, w) uint8, of probabilities (C, h, w) as
    `count_probabilities` takes them."""
    bits = np.ascontiguousarray(probabilities[0]).view(np.uint16)
    return np.asarray(cv2.LUT(bits, _levels_of_foreground()), np.uint8)


@cache
def _levels_of_foreground() -> Mask:
    """By the bits of the background's probability; cv2 takes a table of all that 16 bits can be."""
    table = np.zeros(2**16, np.uint8)
    table[: _ONE + 1] = ((1 - _values()) * (LEVELS - 1)).round()
    return table


@cache
def _values() -> Floats:
    return np.arange(_ONE + 1, dtype=np.uint16).view(np.float16).astype(np.float64)


@cache
def _losses() -> Floats:
    return -np.log(np.maximum(_values(), LEAST))


@cache
def _level_starts() -> Ints:
    return np.searchsorted(_values(), thresholds())


def thresholds() -> Floats:
    """The thresholds 0, 1/255 … 1; a pixel is predicted as a class where its probability reaches one."""
    return np.arange(LEVELS) / (LEVELS - 1)


def tallies(counts: ProbabilityCounts, class_id: int) -> Tally:
    """True and false positives and negatives of a class at each threshold, arrays of shape (LEVELS,)."""
    negative, positive = counts.levels[class_id]
    fp, tp = (each[::-1].cumsum()[::-1] for each in (negative, positive))
    return Tally(tp, fp, positive.sum() - tp, negative.sum() - fp)


def threshold_curve(counts: ProbabilityCounts, class_id: int) -> dict[str, Any]:
    """A class's scores at each threshold, as they stand in scores.json."""
    tally = tallies(counts, class_id)
    curves = {metric.key: metric.of(tally) for metric in METRICS if metric.over_thresholds}
    return {
        "threshold": thresholds().round(6).tolist(),
        **{key: [defined(value) for value in values.tolist()] for key, values in curves.items()},
        "false_positives": tally.fp.tolist(),
        "best_dice": _best(curves["dice"]),
        "best_iou": _best(curves["iou"]),
    }


def _best(values: Floats) -> dict[str, float | None]:
    if np.isnan(values).all():
        return {"threshold": None, "value": None}
    best = int(np.nanargmax(values))
    return {"threshold": round(float(thresholds()[best]), 6), "value": float(values[best])}


def log_loss(counts: ProbabilityCounts) -> float:
    """The mean over pixels of -ln of the true class's probability; nan without pixels."""
    return counts.loss / counts.pixels if counts.pixels else float("nan")

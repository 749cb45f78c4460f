"""Scores as pure functions of a confusion matrix, each with its definition.

0/0 is nan and skipped in means. Adding a score is adding an entry to `METRICS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.counts import Confusion

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """Pixels of each class against all others, each array of shape (C,), int64."""

    tp: npt.NDArray[np.int64]
    fp: npt.NDArray[np.int64]
    fn: npt.NDArray[np.int64]
    tn: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Metric:
    """One score of a class. `when_absent` is what an image counts in the mean over images when
    neither its truth nor its prediction has the class."""

    key: str
    label: str
    formula: str
    meaning: str
    of: Callable[[Tally], Floats]
    when_absent: float = math.nan


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """part / whole, where no part is larger than its whole; nan for 0/0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, np.float64)


METRICS = (
    Metric(
        "iou",
        "IoU",
        "TP / (TP + FP + FN)",
        "Intersection over union (Jaccard index): the shared area as part of all that is true or predicted.",
        lambda t: ratio(t.tp, t.tp + t.fp + t.fn),
    ),
    Metric(
        "dice",
        "Dice",
        "2 TP / (2 TP + FP + FN)",
        "Dice coefficient (F1 of pixels). Averaged over images as Kaggle's Carvana challenge does it:"
        " an image with neither a true nor a predicted pixel counts 1.",
        lambda t: ratio(2 * t.tp, 2 * t.tp + t.fp + t.fn),
        when_absent=1.0,
    ),
    Metric(
        "precision",
        "Precision",
        "TP / (TP + FP)",
        "How much of what was predicted is true.",
        lambda t: ratio(t.tp, t.tp + t.fp),
    ),
    Metric(
        "recall",
        "Recall",
        "TP / (TP + FN)",
        "How much of what is true was found.",
        lambda t: ratio(t.tp, t.tp + t.fn),
    ),
    Metric(
        "false_positive_rate",
        "FP rate",
        "FP / (FP + TN)",
        "How much of what is not this class was predicted as it. Lower is better.",
        lambda t: ratio(t.fp, t.fp + t.tn),
    ),
)
PIXEL_ACCURACY = "correct pixels / all pixels, ignored ones left out"


@dataclass(frozen=True)
class Scores:
    """The scores of one matrix, or their mean over images: arrays of shape (C,) by metric key."""

    per_class: Mapping[str, Floats]
    pixel_accuracy: float

    def mean(self, key: str) -> float:
        """The mean over classes, background included."""
        return float(mean_defined(self.per_class[key]))

    def foreground_mean(self, key: str) -> float:
        """The mean over classes other than the background."""
        return float(mean_defined(self.per_class[key][1:]))


def tally(confusion: Confusion) -> Tally:
    """True and false positives and negatives of each class."""
    tp = np.diagonal(confusion).copy()
    fp, fn = confusion.sum(axis=0) - tp, confusion.sum(axis=1) - tp
    return Tally(tp, fp, fn, confusion.sum() - tp - fp - fn)


def score(confusion: Confusion) -> Scores:
    """All scores of a confusion matrix (rows truth, columns prediction)."""
    counted = tally(confusion)
    per_class = {metric.key: metric.of(counted) for metric in METRICS}
    return Scores(per_class, float(ratio(counted.tp.sum(), confusion.sum())))


def mean_over_images(scores: Sequence[Scores]) -> Scores:
    """Each class's mean over images: an image counts once, however large it is.

    Undefined scores are skipped, but Dice is 1 for an image without the class (Kaggle's Carvana
    evaluation: "defined to be 1 when both X and Y are empty").
    """
    per_class = {}
    for metric in METRICS:
        values = np.stack([each.per_class[metric.key] for each in scores])
        values = np.where(np.isnan(values), metric.when_absent, values)
        per_class[metric.key] = mean_defined(values, axis=0)
    return Scores(per_class, float(mean_defined(np.array([each.pixel_accuracy for each in scores]))))


def mean_defined(values: Floats, axis: int | None = None) -> Floats:
    """The mean of the values that are not nan; nan where there is none."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis))


def false_positive_pixels(confusion: Confusion) -> int:
    """Pixels predicted as a foreground class that they are not."""
    return int(confusion[:, 1:].sum() - np.diagonal(confusion)[1:].sum())


def missed_pixels(confusion: Confusion) -> int:
    """Pixels of a foreground class predicted as background."""
    return int(confusion[1:, 0].sum())


def scores_to_json(scores: Scores, names: Sequence[str]) -> dict[str, Any]:
    """Scores as they stand in scores.json: by metric and class name, undefined as None."""
    by_class = {
        key: {name: defined(value) for name, value in zip(names, values.tolist(), strict=True)}
        for key, values in scores.per_class.items()
    }
    return {
        **by_class,
        "mean_iou": defined(scores.mean("iou")),
        "mean_dice": defined(scores.mean("dice")),
        "mean_iou_foreground": defined(scores.foreground_mean("iou")),
        "pixel_accuracy": defined(scores.pixel_accuracy),
    }


def defined(value: float) -> float | None:
    """nan as None, JSON's null."""
    return None if math.isnan(value) else value

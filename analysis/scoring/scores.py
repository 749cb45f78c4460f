"""Scores as pure functions of counts, each with its definition.

0/0 is nan and skipped in means. Adding a score is adding an entry to `METRICS`, or to
`BOUNDARY_METRICS` where it is of outlines: scores.json and the report's page hold every entry, and
its fields say where else it stands. Formulas and their sources: docs/metrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from analysis.scoring.boundary import BoundaryCounts, Column
from analysis.scoring.counts import Confusion
from formats.arrays import Floats, Ints

Counted = TypeVar("Counted")

ALL, FOREGROUND = slice(None), slice(1, None)
"""The classes that a mean is over; the background is the first."""
ACCURACY = "pixel_accuracy"
"""The name of the one score that is of no class and no mean over classes."""
PIXEL_ACCURACY = "correct pixels / all pixels, ignored ones left out"
_CONTOURS = (Column.PREDICTED_NEAR, Column.PREDICTED), (Column.TRUE_NEAR, Column.TRUE)


@dataclass(frozen=True)
class Tally:
    """Pixels of each class against all others, each array of shape (…, C), int64."""

    tp: Ints
    fp: Ints
    fn: Ints
    tn: Ints


@dataclass(frozen=True)
class Metric(Generic[Counted]):
    """One score of a class, `of` the counts that it needs.

    `means` are the means over classes that scores.json tells, by name. `heading` is its column's in the
    terminal's table, where it stands there. `compared` is whether reports are compared by it image by
    image, and `over_thresholds` whether it has a curve over the threshold of probabilities. `when_absent`
    is an image's score of a class that it has neither in truth nor in prediction, but another image has.
    """

    key: str
    label: str
    formula: str
    meaning: str
    of: Callable[[Counted], Floats]
    means: Mapping[str, slice] = field(default_factory=dict)
    heading: str = ""
    compared: bool = False
    over_thresholds: bool = False
    when_absent: float = math.nan


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """part / whole, where no part is larger than its whole; nan for 0/0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, np.float64)


METRICS: tuple[Metric[Tally], ...] = (
    Metric(
        "iou",
        "IoU",
        "TP / (TP + FP + FN)",
        "Intersection over union (Jaccard index): the shared area as part of all that is true or predicted.",
        lambda t: ratio(t.tp, t.tp + t.fp + t.fn),
        means={"mean_iou": ALL, "mean_iou_foreground": FOREGROUND},
        heading="IoU",
        compared=True,
        over_thresholds=True,
    ),
    Metric(
        "dice",
        "Dice",
        "2 TP / (2 TP + FP + FN)",
        "Dice coefficient (F1 of pixels), over the pixels of all images; of a single image as Kaggle's Carvana"
        " challenge has it: 1 with neither a true nor a predicted pixel of a class that other images have.",
        lambda t: ratio(2 * t.tp, 2 * t.tp + t.fp + t.fn),
        means={"mean_dice": ALL},
        heading="Dice",
        compared=True,
        over_thresholds=True,
        when_absent=1.0,
    ),
    Metric(
        "precision",
        "Precision",
        "TP / (TP + FP)",
        "How much of what was predicted is true.",
        lambda t: ratio(t.tp, t.tp + t.fp),
        heading="precision",
        over_thresholds=True,
    ),
    Metric(
        "recall",
        "Recall",
        "TP / (TP + FN)",
        "How much of what is true was found.",
        lambda t: ratio(t.tp, t.tp + t.fn),
        heading="recall",
        over_thresholds=True,
    ),
    Metric(
        "specificity",
        "Specificity",
        "TN / (TN + FP)",
        "How much of what is not this class was not predicted as it: 1 less the false-positive rate.",
        lambda t: ratio(t.tn, t.tn + t.fp),
    ),
    Metric(
        "false_positive_rate",
        "FP rate",
        "FP / (FP + TN)",
        "How much of what is not this class was predicted as it. Lower is better.",
        lambda t: ratio(t.fp, t.fp + t.tn),
        heading="FP rate",
        over_thresholds=True,
    ),
)


def _boundary_f(counts: BoundaryCounts) -> Floats:
    precision, recall = (ratio(counts[..., part], counts[..., of]) for part, of in _CONTOURS)
    with np.errstate(invalid="ignore"):
        f = np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), 0)
    # a class that only one side has is wrong; one that neither has is undefined
    one_sided = np.isnan(precision) ^ np.isnan(recall)
    return np.where(one_sided, 0, np.where(np.isnan(precision), np.nan, f))


BOUNDARY_METRICS: tuple[Metric[BoundaryCounts], ...] = (
    Metric(
        "boundary_iou",
        "Boundary IoU",
        "band TP / (band TP + FP + FN)",
        "IoU of the bands along the inside of the true and the predicted edge; by default 2 % of the image's"
        " diagonal wide (Cheng et al. 2021).",
        lambda b: ratio(b[..., Column.BAND_BOTH], b[..., Column.BAND_EITHER]),
        means={"mean_boundary_iou": FOREGROUND},
    ),
    Metric(
        "boundary_f",
        "Boundary F",
        "2 P R / (P + R)",
        "F score of outlines: P is the share of the predicted outline that lies within the tolerance of the true"
        " one, R the share of the true one that lies so of the predicted (Csurka et al. 2013).",
        _boundary_f,
        means={"mean_boundary_f": FOREGROUND},
    ),
)


def every_metric() -> tuple[Metric[Any], ...]:
    """The whole table, in the order in which scores are told."""
    return (*METRICS, *BOUNDARY_METRICS)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one matrix, their means over images, or those of many matrices (…). `classes` has a row for each of
    the metrics' `keys`, shape (…, keys, C), and `means` the means over classes and the pixel accuracy, by their
    `names`, shape (…, names): two arrays, because a report holds the scores of all its images."""

    keys: tuple[str, ...]
    classes: Floats
    names: tuple[str, ...]
    means: Floats

    def __len__(self) -> int:
        """Of how many matrices."""
        return len(self.means)

    def __getitem__(self, chosen: int | Ints) -> Scores:
        """Those of one of many matrices, or of some in another order."""
        return Scores(self.keys, self.classes[chosen], self.names, self.means[chosen])

    @property
    def per_class(self) -> dict[str, Floats]:
        """By metric key the scores of each class, shape (…, C)."""
        return {key: self.of(key) for key in self.keys}

    @property
    def totals(self) -> dict[str, float]:
        """By name the means over classes and the pixel accuracy, of one matrix."""
        return dict(zip(self.names, self.means.tolist(), strict=True))

    def of(self, key: str) -> Floats:
        """A metric's score of each class, shape (…, C)."""
        return np.array(self.classes[..., self.keys.index(key), :])

    def total(self, name: str) -> Floats:
        """A mean over classes, or the pixel accuracy, shape (…)."""
        return np.array(self.means[..., self.names.index(name)])

    def foreground_mean(self, key: str) -> float:
        """The mean over classes other than the background, of one matrix."""
        return float(self.foreground_means(key))

    def foreground_means(self, key: str) -> Floats:
        """The mean over classes other than the background, shape (…)."""
        return mean_defined(self.of(key)[..., 1:], axis=-1)


def scores_of(per_class: Mapping[str, Floats], totals: Mapping[str, Any]) -> Scores:
    """Scores by metric key, arrays of shape (…, C), and totals by name, of shape (…)."""
    keys, names = _once(tuple(per_class)), _once(tuple(totals))
    means = np.stack([np.asarray(value, np.float64) for value in totals.values()], axis=-1)
    return Scores(keys, np.stack(list(per_class.values()), axis=-2), names, means)


@cache
def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that all images share, held once."""
    return names


def tally(confusion: Confusion) -> Tally:
    """True and false positives and negatives of each class of a matrix, or of several (…, C, C)."""
    tp = np.diagonal(confusion, axis1=-2, axis2=-1).copy()
    fp, fn = confusion.sum(axis=-2) - tp, confusion.sum(axis=-1) - tp
    return Tally(tp, fp, fn, confusion.sum(axis=(-2, -1))[..., None] - tp - fp - fn)


def score(confusion: Confusion, boundaries: BoundaryCounts | None = None) -> Scores:
    """All scores of a confusion matrix (rows truth, columns prediction), or of several (…, C, C); those of outlines
    where their counts are given."""
    per_class = class_scores(confusion, boundaries)
    totals = {**class_means(per_class), ACCURACY: pixel_accuracy(confusion)}
    return scores_of(per_class, totals)


def class_scores(confusion: Confusion, boundaries: BoundaryCounts | None) -> dict[str, Floats]:
    """By metric key the score of each class, shape (…, C), of matrices (…, C, C)."""
    counted = tally(confusion)
    per_class = {metric.key: metric.of(counted) for metric in METRICS}
    if boundaries is not None:
        per_class |= {metric.key: metric.of(boundaries) for metric in BOUNDARY_METRICS}
    return per_class


def pixel_accuracy(confusion: Confusion) -> Floats:
    """The share of pixels predicted right, of matrices (…, C, C)."""
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


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
    return {**by_class, **{name: defined(value) for name, value in scores.totals.items()}}


def class_means(per_class: Mapping[str, Floats]) -> dict[str, Floats]:
    """The means over classes that scores.json tells, by name, of scores (…, C): those over all classes first."""
    return {
        name: mean_defined(per_class[metric.key][..., classes], axis=-1)
        for wanted in (ALL, FOREGROUND)
        for metric in every_metric()
        for name, classes in metric.means.items()
        if classes == wanted and metric.key in per_class
    }


def defined(value: float) -> float | None:
    """nan as None, JSON's null."""
    return None if math.isnan(value) else value

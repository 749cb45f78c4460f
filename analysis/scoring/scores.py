"""Scores as pure functions of counts, each with its definition.

0/0 is nan and skipped in means. Adding a score is adding an entry to `METRICS`, or to
`BOUNDARY_METRICS` where it is of outlines: scores.json and the report's page hold every entry, and
its fields say where else it stands. Formulas and their sources: docs/metrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from analysis.scoring.boundary import BoundaryCounts, Column
from analysis.scoring.counts import Confusion

Counted = TypeVar("Counted")
Floats = npt.NDArray[np.float64]

ALL, FOREGROUND = slice(None), slice(1, None)
"""The classes that a mean is over; the background is the first."""
PIXEL_ACCURACY = "correct pixels / all pixels, ignored ones left out"
_CONTOURS = (Column.PREDICTED_NEAR, Column.PREDICTED), (Column.TRUE_NEAR, Column.TRUE)


@dataclass(frozen=True)
class Tally:
    """Pixels of each class against all others, each array of shape (…, C), int64."""

    tp: npt.NDArray[np.int64]
    fp: npt.NDArray[np.int64]
    fn: npt.NDArray[np.int64]
    tn: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Metric(Generic[Counted]):
    """One score of a class, `of` the counts that it needs.

    `means` are the means over classes that scores.json tells, by name. `heading` is its column's in the
    terminal's table, where it stands there. `in_images` is whether images.csv holds it, `compared`
    whether reports are compared by it image by image, which takes images.csv, and `over_thresholds`
    whether it has a curve over the threshold of probabilities. `when_absent` is what an image counts in
    the mean over images when neither its truth nor its prediction has the class.
    """

    key: str
    label: str
    formula: str
    meaning: str
    of: Callable[[Counted], Floats]
    means: Mapping[str, slice] = field(default_factory=dict)
    heading: str = ""
    in_images: bool = False
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
        in_images=True,
        compared=True,
        over_thresholds=True,
    ),
    Metric(
        "dice",
        "Dice",
        "2 TP / (2 TP + FP + FN)",
        "Dice coefficient (F1 of pixels). Averaged over images as Kaggle's Carvana challenge does it:"
        " an image with neither a true nor a predicted pixel counts 1.",
        lambda t: ratio(2 * t.tp, 2 * t.tp + t.fp + t.fn),
        means={"mean_dice": ALL},
        heading="Dice",
        in_images=True,
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
        in_images=True,
    ),
    Metric(
        "boundary_f",
        "Boundary F",
        "2 P R / (P + R)",
        "F score of outlines: P is the share of the predicted outline that lies within the tolerance of the true"
        " one, R the share of the true one that lies so of the predicted (Csurka et al. 2013).",
        _boundary_f,
        means={"mean_boundary_f": FOREGROUND},
        in_images=True,
    ),
)


def every_metric() -> tuple[Metric[Any], ...]:
    """The whole table, in the order in which scores are told."""
    return (*METRICS, *BOUNDARY_METRICS)


@dataclass(frozen=True)
class Scores:
    """The scores of one matrix, or their mean over images: arrays of shape (C,) by metric key."""

    per_class: Mapping[str, Floats]
    pixel_accuracy: float

    def foreground_mean(self, key: str) -> float:
        """The mean over classes other than the background."""
        return float(mean_defined(self.per_class[key][1:]))


def tally(confusion: Confusion) -> Tally:
    """True and false positives and negatives of each class of a matrix, or of several (…, C, C)."""
    tp = np.diagonal(confusion, axis1=-2, axis2=-1).copy()
    fp, fn = confusion.sum(axis=-2) - tp, confusion.sum(axis=-1) - tp
    return Tally(tp, fp, fn, confusion.sum(axis=(-2, -1))[..., None] - tp - fp - fn)


def score(confusion: Confusion, boundaries: BoundaryCounts | None = None) -> Scores:
    """All scores of a confusion matrix (rows truth, columns prediction); those of outlines where
    their counts are given."""
    return Scores(class_scores(confusion, boundaries), float(pixel_accuracy(confusion)))


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


def mean_over_images(scores: Sequence[Scores]) -> Scores:
    """Each class's mean over images: an image counts once, however large it is.

    Undefined scores are skipped, but Dice is 1 for an image without the class (Kaggle's Carvana
    evaluation: "defined to be 1 when both X and Y are empty").
    """
    per_class = {key: mean_defined(values, axis=0) for key, values in by_image(scores).items()}
    return Scores(per_class, float(mean_defined(np.array([each.pixel_accuracy for each in scores]))))


def by_image(scores: Sequence[Scores]) -> dict[str, Floats]:
    """By metric key each image's scores, shape (images, C), with what an absent class counts."""
    absent = {metric.key: metric.when_absent for metric in METRICS}
    stacked = {key: np.stack([each.per_class[key] for each in scores]) for key in scores[0].per_class}
    return {key: np.where(np.isnan(each), absent.get(key, np.nan), each) for key, each in stacked.items()}


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
    means = {name: float(value) for name, value in class_means(scores.per_class).items()}
    means["pixel_accuracy"] = scores.pixel_accuracy
    return {**by_class, **{name: defined(value) for name, value in means.items()}}


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

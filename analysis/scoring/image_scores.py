"""The scores of many images: each as a part of its report, and what they are on average."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.scoring.counts import Confusion
from analysis.scoring.scores import ACCURACY, Scores, class_means, every_metric, mean_defined, scores_of
from formats.arrays import Floats


def with_absent(scores: Scores, report: Confusion) -> Scores:
    """An image's scores as a part of a report, `report` being the matrix of all its images.

    Dice is 1 for a class that the image has not, but the report has, in the truth or the prediction of
    any image (Kaggle's Carvana evaluation: "defined to be 1 when both X and Y are empty"). Of a class
    that no image has there is nothing to be right about, and an image of which no pixel counts stays
    undefined.
    """
    if math.isnan(scores.totals[ACCURACY]):
        return scores
    occurring = report.sum(axis=0) + report.sum(axis=1) > 0
    absent = {metric.key: np.where(occurring, metric.when_absent, math.nan) for metric in every_metric()}
    per_class = {key: np.where(np.isnan(each), absent[key], each) for key, each in scores.per_class.items()}
    return scores_of(per_class, {**scores.totals, **class_means(per_class)})


def mean_over_images(scores: Sequence[Scores]) -> Scores:
    """The mean over images of each of their scores, a mean over classes being that of the image's own:
    an image counts once, however large it is. Undefined scores are skipped."""
    per_class = {key: mean_defined(each, axis=0) for key, each in classes_of_images(scores).items()}
    return scores_of(per_class, {name: mean_defined(each) for name, each in totals_of_images(scores).items()})


def classes_of_images(scores: Sequence[Scores]) -> dict[str, Floats]:
    """By metric key each image's scores, shape (images, C)."""
    every = np.stack([each.classes for each in scores], axis=1)
    return dict(zip(scores[0].keys, every, strict=True))


def totals_of_images(scores: Sequence[Scores]) -> dict[str, Floats]:
    """By name each image's means over classes and its pixel accuracy, shape (images,)."""
    every = np.stack([each.means for each in scores], axis=1)
    return dict(zip(scores[0].names, every, strict=True))

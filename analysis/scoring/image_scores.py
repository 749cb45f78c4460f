"""The scores of many images: each as a part of its report, and what they are on average."""

from __future__ import annotations

import math

import numpy as np

from analysis.scoring.counts import Confusion
from analysis.scoring.scores import ACCURACY, Scores, class_means, every_metric, mean_defined, scores_of


def with_absent(scores: Scores, report: Confusion) -> Scores:
    """The scores of an image, or of many, as a part of a report, `report` being the matrix of all its images.

    Dice is 1 for a class that the image has not, but the report has, in the truth or the prediction of
    any image (Kaggle's Carvana evaluation: "defined to be 1 when both X and Y are empty"). Of a class
    that no image has there is nothing to be right about, and an image of which no pixel counts stays
    undefined.
    """
    occurring = report.sum(axis=0) + report.sum(axis=1) > 0
    counts = ~np.isnan(scores.total(ACCURACY))
    known = {metric.key: np.where(occurring, metric.when_absent, math.nan) for metric in every_metric()}
    fill = counts[..., None]
    per_class = {key: np.where(np.isnan(each) & fill, known[key], each) for key, each in scores.per_class.items()}
    means = {name: np.where(counts, each, scores.total(name)) for name, each in class_means(per_class).items()}
    return scores_of(per_class, {name: scores.total(name) for name in scores.names} | means)


def mean_over_images(scores: Scores) -> Scores:
    """The mean over images of each of their scores, a mean over classes being that of the image's own:
    an image counts once, however large it is. Undefined scores are skipped."""
    per_class = {key: mean_defined(each, axis=0) for key, each in scores.per_class.items()}
    return scores_of(per_class, {name: mean_defined(scores.total(name)) for name in scores.names})

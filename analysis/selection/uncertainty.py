"""How unsure a model is of an image, by its probabilities alone: what it expects its mask to miss.

The measure is the Soft Dice Confidence of Borges et al. ("Soft Dice Confidence: A Near-Optimal Confidence Estimator for
Selective Prediction in Semantic Segmentation", arXiv:2402.10665): the Dice score that a mask would have if the
probabilities were true. Of the mask's pixels M and the class's probabilities p it is 2 Σ_M p / (Σ p + |M|); an image's
uncertainty is 1 less that. Because it is a share of the object, not of the image, a long outline costs a large object
little, and an object that is missed costs all of it. The mean of the pixels' entropy, which is taken more often, is
high where outlines are long, and low where an object is overlooked: docs/loop.md has figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.masks.bands import Band

HAZE = 0.1
"""Probabilities of a class up to this, where another is predicted, do not count: networks are seldom surer of anything,
and over a whole background a few per cent would add up to an object."""
FLOOR = 0.001
"""A share of the image's pixels that is added to what agrees: what is smaller is hardly there, and an image without
objects is no uncertain one."""

Sums = npt.NDArray[np.float64]
"""By class, shape (C,)."""


@dataclass(frozen=True)
class ClassSums:
    """Of each class over the pixels of an image: how many are `predicted` to be it, its summed probability in those
    (`agreed`), and in those and wherever else it is above HAZE (`likely`)."""

    pixels: int
    predicted: Sums
    agreed: Sums
    likely: Sums

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(
            self.pixels + other.pixels,
            self.predicted + other.predicted,
            self.agreed + other.agreed,
            self.likely + other.likely,
        )


@dataclass(frozen=True)
class Uncertainty:
    """`score` is from 0, sure, to 1; `class_id` is the class that the model is least sure of."""

    score: float
    class_id: int


def sum_bands(bands: Iterable[Band], num_classes: int) -> ClassSums:
    """The sums of an image from its bands, which must hold probabilities."""
    total = ClassSums(0, *(np.zeros(num_classes) for _ in range(3)))
    for band in bands:
        if band.probabilities is not None:
            total += sum_band(band)
    return total


def sum_band(band: Band) -> ClassSums:
    values = np.asarray(band.probabilities)
    predicted, agreed, likely = (np.zeros(len(values)) for _ in range(3))
    for class_id, shares in enumerate(values):
        own = band.labels == class_id
        inside = shares[own]
        predicted[class_id] = inside.size
        agreed[class_id] = inside.sum(dtype=np.float64)
        likely[class_id] = agreed[class_id] + shares[~own & (shares > HAZE)].sum(dtype=np.float64)
    return ClassSums(band.labels.size, predicted, agreed, likely)


def uncertainty_of(sums: ClassSums) -> Uncertainty:
    """The mean over the foreground's classes that are there, predicted or likely, of 1 - expected Dice; where none
    is, of all of them together."""
    floor = FLOOR * sums.pixels
    predicted, agreed, likely = (each[1:] for each in (sums.predicted, sums.agreed, sums.likely))
    unsure = _unsure(predicted, agreed, likely, floor)
    there = np.maximum(predicted, likely) >= floor
    least = 1 + int(np.where(there, unsure, -1).argmax()) if there.any() else 1 + int(unsure.argmax())
    if not there.any():
        return Uncertainty(float(_unsure(predicted.sum(), agreed.sum(), likely.sum(), floor)), least)
    return Uncertainty(float(unsure[there].mean()), least)


def _unsure(predicted: Sums, agreed: Sums, likely: Sums, floor: float) -> Sums:
    return np.asarray(1 - (2 * agreed + floor) / (predicted + likely + floor))

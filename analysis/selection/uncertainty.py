"""How unsure a model is of an image, by its probabilities alone: the share of the objects that it expects to be wrong,
outlines left out.

It begins with the Soft Dice Confidence of Borges et al. ("Soft Dice Confidence: A Near-Optimal Confidence Estimator for
Selective Prediction in Semantic Segmentation", arXiv:2402.10665), the Dice score that a mask would have if the
probabilities were true: 2 Σ_M p / (Σ p + |M|), of the pixels M that are predicted to be a class, and its probabilities
p. What is missing to 1 is the doubt, 1 - p of the pixels in M and p of the others, as a share of the object. Other than
the mean of the pixels' entropy, the usual measure, that counts an overlooked object fully, and a large one no more than
a small one. But every outline is in doubt, and small or slender objects are mostly outline; so doubt near outlines is
not counted. docs/loop.md has figures.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.bands import Band
from formats.masks import Mask

HAZE = 0.1
"""Probabilities of a class up to this, where another is predicted, do not count: networks are seldom surer of anything,
and over a whole background a few per cent would add up to an object."""
FLOOR = 0.001
"""A share of the image's pixels that is added to every object: what is smaller is hardly there, and an image without
objects is no uncertain one."""
OUTLINE = 0.005
"""How near to where the predicted class changes doubt is not counted, as a share of the image's diagonal."""

Sums = npt.NDArray[np.float64]
"""By class, shape (C,)."""


@dataclass(frozen=True)
class ClassSums:
    """Of each class over the pixels of an image: how many are `predicted` to be it; its summed probability in those,
    and wherever else it is above HAZE (`likely`); and what is in `doubt` away from outlines."""

    pixels: int
    predicted: Sums
    likely: Sums
    doubt: Sums

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(
            self.pixels + other.pixels,
            self.predicted + other.predicted,
            self.likely + other.likely,
            self.doubt + other.doubt,
        )


@dataclass(frozen=True)
class Uncertainty:
    """`score` is from 0, sure, to 1; `class_id` is the class that the model is least sure of."""

    score: float
    class_id: int


def outline_reach(width: int, height: int) -> int:
    """OUTLINE in pixels, at least one."""
    return max(1, round(OUTLINE * math.hypot(width, height)))


def sum_bands(bands: Iterable[Band], num_classes: int, reach: int) -> ClassSums:
    """The sums of an image from its bands, which must hold probabilities; outlines reach `reach` pixels, 1 or more, to
    each side."""
    total = ClassSums(0, *(np.zeros(num_classes) for _ in range(3)))
    for band, inner in away_from_outlines(bands, reach):
        if band.probabilities is not None:
            total += _sum_band(band, inner)
    return total


def _sum_band(band: Band, inner: npt.NDArray[np.bool_]) -> ClassSums:
    values = np.asarray(band.probabilities)
    predicted, likely, doubt = (np.zeros(len(values)) for _ in range(3))
    for class_id, shares in enumerate(values):
        own = band.labels == class_id
        elsewhere = ~own & (shares > HAZE)
        predicted[class_id] = np.count_nonzero(own)
        likely[class_id] = _sum(shares[own | elsewhere])
        sure = own & inner
        doubt[class_id] = np.count_nonzero(sure) - _sum(shares[sure]) + _sum(shares[elsewhere & inner])
    return ClassSums(band.labels.size, predicted, likely, doubt)


def _sum(shares: npt.NDArray[np.float16]) -> float:
    return float(shares.sum(dtype=np.float64))


def away_from_outlines(bands: Iterable[Band], reach: int) -> Iterator[tuple[Band, npt.NDArray[np.bool_]]]:
    """Each band, and where in it all pixels up to `reach` rows and columns away are of one class. Bands are read so far
    ahead as that needs."""
    waiting: deque[Band] = deque()
    above: Mask | None = None
    for band in chain(bands, [None]):
        if band is not None:
            waiting.append(band)
        while waiting and (band is None or sum(len(each.labels) for each in waiting) - len(waiting[0].labels) >= reach):
            first = waiting.popleft()
            start = np.concatenate([first.labels[:0] if above is None else above, first.labels])
            seen = np.concatenate([start, *(each.labels for each in waiting)])[: len(start) + reach]
            yield first, _uniform(seen, reach)[len(start) - len(first.labels) : len(start)]
            above = start[-reach:]


def _uniform(labels: Mask, reach: int) -> npt.NDArray[np.bool_]:
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(labels, square) == cv2.erode(labels, square))


def uncertainty_of(sums: ClassSums) -> Uncertainty:
    """The mean of doubt / (predicted + likely) over the foreground's classes that are there, predicted or likely; where
    none is, that of all of them together."""
    floor = FLOOR * sums.pixels
    predicted, likely, doubt = (each[1:] for each in (sums.predicted, sums.likely, sums.doubt))
    unsure = doubt / (predicted + likely + floor)
    there = np.maximum(predicted, likely) >= floor
    if not there.any():
        together = float(doubt.sum() / (predicted.sum() + likely.sum() + floor))
        return Uncertainty(together, 1 + int(unsure.argmax()))
    return Uncertainty(float(unsure[there].mean()), 1 + int(np.where(there, unsure, -1).argmax()))

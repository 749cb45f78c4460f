"""Counts of many images summed up: of all, of a group, of an attribute's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring.boundary import BoundaryCounts
from analysis.scoring.counts import Confusion, Counts
from analysis.scoring.image_measures import Measured
from analysis.scoring.objects import Amount, WrongObjects
from analysis.scoring.scores import Scores, score
from formats.arrays import GrowingRows, Ints


@dataclass(frozen=True)
class Totals(Counts):
    """What scores are made of, of so many images."""

    images: int
    confusion: Confusion
    boundaries: BoundaryCounts

    def scores(self) -> Scores:
        return score(self.confusion, self.boundaries)


@dataclass(frozen=True)
class NamedTotals:
    """The totals of each of many groups, or values of an attribute, side by side: arrays of an entry for each of the
    `names`, because each image may be a group of its own."""

    names: Sequence[str]
    images: Ints
    confusion: Confusion
    boundaries: BoundaryCounts

    def scores(self) -> Scores:
        """Of each of them."""
        return score(self.confusion, self.boundaries)


class CollectedTotals:
    """What becomes `NamedTotals`, image by image."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._images = GrowingRows[np.int64]()
        self._confusion = GrowingRows[np.int64]()
        self._boundaries = GrowingRows[np.int64]()

    def add(self, name: str, one: Totals) -> int:
        """Add to what has the name, and return its number, by order of appearance."""
        number = self.numbers.setdefault(name, len(self.numbers))
        self._images.add(number, np.array(one.images, np.int64))
        self._confusion.add(number, one.confusion)
        self._boundaries.add(number, one.boundaries)
        return number

    def totals(self) -> NamedTotals:
        return NamedTotals(list(self.numbers), self._images.rows, self._confusion.rows, self._boundaries.rows)


@dataclass(frozen=True)
class WrongTotals(Counts):
    """Wrong objects of many images. `amounts` is `WrongObjects.amounts` summed up; `empty_count` and
    `empty_pixels` are of the objects on the `empty_images`, where the other side has background alone."""

    amounts: Ints
    images_with: int
    empty_images: int
    empty_count: int
    empty_pixels: int


@dataclass(frozen=True)
class ObjectTotals(Totals):
    """With the objects of those images: components as in `analysis.scoring.components.Components`, and
    wrong ones."""

    true_count: Ints
    predicted_count: Ints
    sizes: Ints
    false_positives: WrongTotals
    missed: WrongTotals


def totals_of(measured: Measured) -> ObjectTotals:
    """The totals of one image."""
    confusion, components = measured.confusion, measured.components
    return ObjectTotals(
        1,
        confusion,
        measured.boundaries,
        components.true_count,
        components.predicted_count,
        components.sizes,
        false_positives=_wrong_totals(measured.false_positives, confusion.sum(axis=1)),
        missed=_wrong_totals(measured.missed, confusion.sum(axis=0)),
    )


def _wrong_totals(wrong: WrongObjects, other: Ints) -> WrongTotals:
    """The wrong objects of one image, `other` being the pixels by class of the side that contradicts them."""
    count, pixels = wrong.amounts.sum(axis=(0, 1, 2))[[Amount.COUNT, Amount.PIXELS]].tolist()
    empty = int(other[0] > 0 and not other[1:].any())
    return WrongTotals(wrong.amounts, int(count > 0), empty, empty * count, empty * pixels)

"""Counts of many images summed up: of all, of a group, of an attribute's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring.boundary import BoundaryCounts, no_boundaries
from analysis.scoring.components import SIZE_EDGES, SizeColumn
from analysis.scoring.counts import Confusion, Ints, no_counts
from analysis.scoring.image_measures import Measured
from analysis.scoring.objects import Amount, WrongObjects, no_amounts
from analysis.scoring.scores import Scores, score


@dataclass(frozen=True)
class Totals:
    """What scores are made of, of so many images."""

    images: int
    confusion: Confusion
    boundaries: BoundaryCounts

    def __add__(self, other: Totals) -> Totals:
        confusion, boundaries = self.confusion + other.confusion, self.boundaries + other.boundaries
        return Totals(self.images + other.images, confusion, boundaries)

    def scores(self) -> Scores:
        return score(self.confusion, self.boundaries)


def no_totals(num_classes: int) -> Totals:
    return Totals(0, no_counts(num_classes), no_boundaries(num_classes))


def totals_of(measured: Measured) -> Totals:
    """The totals of one image."""
    return Totals(1, measured.confusion, measured.boundaries)


@dataclass(frozen=True)
class WrongTotals:
    """Wrong objects of many images. `amounts` is `WrongObjects.amounts` summed up; `on_empty` counts
    objects and pixels on the `empty_images`, where the other side has no foreground at all."""

    amounts: Ints
    images_with: int
    empty_images: int
    on_empty: tuple[int, int]

    def __add__(self, other: WrongTotals) -> WrongTotals:
        return WrongTotals(
            self.amounts + other.amounts,
            self.images_with + other.images_with,
            self.empty_images + other.empty_images,
            (self.on_empty[0] + other.on_empty[0], self.on_empty[1] + other.on_empty[1]),
        )


def no_wrong(num_classes: int) -> WrongTotals:
    return WrongTotals(no_amounts(num_classes), 0, 0, (0, 0))


def wrong_totals(wrong: WrongObjects, other_foreground: Ints) -> WrongTotals:
    """The wrong objects of one image, `other_foreground` being the foreground pixels that the side
    which contradicts them has, by class."""
    count, pixels = wrong.amounts.sum(axis=(0, 1, 2))[[Amount.COUNT, Amount.PIXELS]].tolist()
    empty = not other_foreground.any()
    return WrongTotals(wrong.amounts, int(count > 0), int(empty), (count, pixels) if empty else (0, 0))


@dataclass(frozen=True)
class ObjectTotals:
    """Components of many images, as in `analysis.scoring.components.Components`."""

    true_count: Ints
    predicted_count: Ints
    sizes: Ints

    def __add__(self, other: ObjectTotals) -> ObjectTotals:
        counts = self.true_count + other.true_count, self.predicted_count + other.predicted_count
        return ObjectTotals(*counts, self.sizes + other.sizes)


def no_objects(num_classes: int) -> ObjectTotals:
    none = np.zeros(num_classes, np.int64)
    return ObjectTotals(none, none, np.zeros((len(SIZE_EDGES), len(SizeColumn)), np.int64))


def sum_totals(totals: Sequence[Totals], num_classes: int) -> Totals:
    return sum(totals, no_totals(num_classes))

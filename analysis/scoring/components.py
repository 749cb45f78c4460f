"""True and predicted objects: the connected components of each class, their areas, and how much of
the true ones was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter

import numpy as np

from analysis.scoring.class_windows import ClassWindow, runs_of
from formats.arrays import Flags, Ints
from formats.objects.labelled import Labelled, label_runs

SIZE_EDGES = (1, 10, 100, 1_000, 10_000, 100_000)
"""Objects are told apart by size: each of these is the fewest pixels of its bin."""
LISTED = 10
"""The largest so many objects of an image are kept one by one; all are counted."""
FOUND = 0.5
"""A true object is found when at least this share of its pixels is predicted right."""


@dataclass(frozen=True)
class Side:
    """The objects that one side, truth or prediction, has of a class, and of each how many pixels the
    other side has too, int64 of shape (n,)."""

    objects: Labelled
    right: Ints

    def found(self) -> Flags:
        """Which objects are right by at least FOUND of their pixels."""
        return self.right >= FOUND * self.objects.pixels

    def agreed(self, index: int) -> float:
        """The share of an object's pixels that the other side has too."""
        return float(self.right[index] / self.objects.pixels[index])


@dataclass(frozen=True)
class ClassObjects:
    """The true and the predicted objects of one class, inside its window."""

    window: ClassWindow
    true: Side
    predicted: Side


def class_objects(window: ClassWindow) -> ClassObjects:
    """The objects of one window."""
    true, predicted, both = runs_of(window)
    shared = window.parts.runs.chosen(both)
    sides = (label_runs(runs) for runs in (true, predicted))
    return ClassObjects(window, *(Side(objects, objects.sums_in(shared)) for objects in sides))


def size_bins(pixels: Ints) -> Ints:
    """The index in SIZE_EDGES of each component's bin."""
    return np.searchsorted(SIZE_EDGES, pixels, side="right") - 1


@dataclass(frozen=True, slots=True)
class Component:
    """One object at x, y of the image. `agreed` is the share of its pixels on which truth and
    prediction agree."""

    class_id: int
    x: int
    y: int
    width: int
    height: int
    pixels: int
    agreed: float


class SizeColumn(IntEnum):
    OBJECTS = 0
    FOUND = 1
    PIXELS = 2
    RIGHT_PIXELS = 3


@dataclass(frozen=True)
class Components:
    """The objects of one image. `true_count` and `predicted_count` are by class, shape (C,);
    `sizes` tells of true objects by size, shape (len(SIZE_EDGES), len(SizeColumn)); both int64.
    `true` and `predicted` are the LISTED largest, the largest first."""

    true_count: Ints
    predicted_count: Ints
    sizes: Ints
    true: tuple[Component, ...]
    predicted: tuple[Component, ...]


def find_components(classes: Iterable[ClassObjects], num_classes: int) -> Components:
    """The true and the predicted objects of one image, class by class."""
    return join_components([components_of(each, num_classes) for each in classes], num_classes)


def components_of(each: ClassObjects, num_classes: int) -> Components:
    """The true and the predicted objects of one class of an image."""
    true_count, predicted_count = np.zeros((2, num_classes), np.int64)
    true_count[each.window.class_id] = len(each.true.objects)
    predicted_count[each.window.class_id] = len(each.predicted.objects)
    true, predicted = (tuple(_list(each.window, side)) for side in (each.true, each.predicted))
    return Components(true_count, predicted_count, _count_sizes(each.true), true, predicted)


def join_components(classes: Sequence[Components], num_classes: int) -> Components:
    """Those of an image's classes together."""
    none = np.zeros(num_classes, np.int64)
    return Components(
        true_count=sum((each.true_count for each in classes), none),
        predicted_count=sum((each.predicted_count for each in classes), none),
        sizes=sum((each.sizes for each in classes), np.zeros((len(SIZE_EDGES), len(SizeColumn)), np.int64)),
        true=_largest([one for each in classes for one in each.true]),
        predicted=_largest([one for each in classes for one in each.predicted]),
    )


def _count_sizes(side: Side) -> Ints:
    pixels = side.objects.pixels
    rows = np.stack([np.ones_like(pixels), side.found(), pixels, side.right], axis=1)
    sizes = np.zeros((len(SIZE_EDGES), len(SizeColumn)), np.int64)
    np.add.at(sizes, size_bins(pixels), rows)
    return sizes


def _list(window: ClassWindow, side: Side) -> list[Component]:
    labelled, components = side.objects, []
    for index in labelled.largest(LISTED):
        left, top, width, height = labelled.boxes[index].tolist()
        place = window.left + left, window.top + top, width, height, int(labelled.pixels[index])
        components.append(Component(window.class_id, *place, agreed=side.agreed(index)))
    return components


def _largest(components: list[Component]) -> tuple[Component, ...]:
    return tuple(sorted(components, key=attrgetter("pixels"), reverse=True)[:LISTED])

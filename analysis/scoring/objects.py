"""False positives and misses as objects: connected regions of wrong foreground, where they lie and
what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from analysis.scoring.class_windows import ClassWindow
from analysis.scoring.components import LISTED, SIZE_EDGES, ClassObjects, Side, size_bins
from analysis.scoring.distances import Distances, distances_to
from formats.arrays import Ints
from formats.masks import Mask
from formats.objects.labelled import Labelled, label_runs


class Kind(IntEnum):
    """What a wrong region is, by two shares: how much of it lies within the halo of the class that the
    other side has, and how much of the object that it is part of is right. All of it within, of an
    object that was found; some of it; or none, or of an object that was not found, by
    `analysis.scoring.components.FOUND`."""

    HALO = 0
    BULGE = 1
    OBJECT = 2


class Amount(IntEnum):
    COUNT = 0
    PIXELS = 1


@dataclass(frozen=True, slots=True)
class WrongObject:
    """A connected region (of eight neighbours) of one class that is wrong, at x, y of the image.

    A false positive's class is the predicted one, a missed region's the true one; `confused_with`
    is the class that the other side has on most of its pixels. `distance` and `reach` are the
    pixels from its nearest and its farthest pixel to the nearest object that the other side has of
    the class, inf where it has none. `agreed` is the right share of the object that it is part of, true
    for a missed region and predicted for a false positive.
    """

    class_id: int
    confused_with: int
    x: int
    y: int
    width: int
    height: int
    pixels: int
    distance: float
    reach: float
    agreed: float
    kind: Kind


@dataclass(frozen=True)
class WrongObjects:
    """The wrong regions of one image. `amounts` counts them and their pixels by class, kind and
    size, int64, shape (C, len(Kind), len(SIZE_EDGES), len(Amount)); `largest` are the LISTED
    largest, the largest first."""

    amounts: Ints
    largest: tuple[WrongObject, ...]

    @property
    def count(self) -> int:
        return int(self.amounts[..., Amount.COUNT].sum())


def false_positive_objects(classes: Iterable[ClassObjects], num_classes: int, halo: int) -> WrongObjects:
    """What is predicted as a foreground class and is not it."""
    return join_wrong([_collect(_false_positives(each, halo), num_classes) for each in classes], num_classes)


def missed_objects(classes: Iterable[ClassObjects], num_classes: int, halo: int) -> WrongObjects:
    """What is a foreground class and is not predicted as it."""
    return join_wrong([_collect(_missed(each, halo), num_classes) for each in classes], num_classes)


def join_wrong(classes: Sequence[WrongObjects], num_classes: int) -> WrongObjects:
    """Those of an image's classes together."""
    listed = sorted((one for each in classes for one in each.largest), key=attrgetter("pixels"), reverse=True)
    amounts = sum((each.amounts for each in classes), _no_amounts(num_classes))
    return WrongObjects(amounts, tuple(listed[:LISTED]))


def _no_amounts(num_classes: int) -> Ints:
    return np.zeros((num_classes, len(Kind), len(SIZE_EDGES), len(Amount)), np.int64)


@dataclass(frozen=True)
class _Found:
    """The wrong regions of one class: an entry for each in every array. `part_of` is the object of `side`
    that each lies in."""

    window: ClassWindow
    side: Side
    labelled: Labelled
    part_of: Ints
    confused_with: Ints
    distance: Distances
    reach: Distances
    kind: Ints


def _false_positives(each: ClassObjects, halo: int) -> _Found:
    parts = each.window.parts
    wrong = np.flatnonzero(parts.true != each.window.class_id)
    return _find(each.window, wrong, each.predicted, each.window.true, parts.true[wrong], halo)


def _missed(each: ClassObjects, halo: int) -> _Found:
    parts = each.window.parts
    wrong = np.flatnonzero(parts.predicted != each.window.class_id)
    return _find(each.window, wrong, each.true, each.window.predicted, parts.predicted[wrong], halo)


def _find(
    window: ClassWindow, wrong: Ints, side: Side, theirs: Mask, classes: npt.NDArray[np.uint8], halo: int
) -> _Found:
    """The regions that `side` has and the other side, `theirs`, has not: the `wrong` parts of the window, on which the
    other side has these `classes`."""
    parts = window.parts.runs.chosen(wrong)
    labelled = label_runs(parts.joined())
    regions, part_of = labelled.of, np.zeros(len(labelled), np.int64)
    # a region is connected, so it lies in one object
    part_of[regions] = side.objects.of[side.objects.runs.which_holds(labelled.runs)]
    distance, reach = _distances(theirs, labelled)
    kind = np.where(reach <= halo, Kind.HALO, np.where(distance <= halo, Kind.BULGE, Kind.OBJECT))
    kind[~side.found()[part_of]] = Kind.OBJECT
    confused_with = _most_frequent(classes, regions[labelled.runs.which_holds(parts)], parts.lengths)
    return _Found(window, side, labelled, part_of, confused_with, distance, reach, kind)


def _distances(other: Mask, regions: Labelled) -> tuple[Distances, Distances]:
    """Each region's smallest and largest distance to `other`."""
    nearest, farthest = np.full((2, len(regions)), np.inf, np.float32)
    if len(regions):
        distance = distances_to(other, regions.runs)
        first = regions.runs.lengths.cumsum() - regions.runs.lengths
        farthest[:] = 0
        np.minimum.at(nearest, regions.of, np.minimum.reduceat(distance, first))
        np.maximum.at(farthest, regions.of, np.maximum.reduceat(distance, first))
    return nearest, farthest


def _most_frequent(classes: npt.NDArray[np.uint8], regions: Ints, lengths: Ints) -> Ints:
    """The class that most pixels of each region have, of runs of these lengths; the lowest id of equally frequent
    ones."""
    codes, of = np.unique(regions << 8 | classes, return_inverse=True)
    pixels = np.bincount(of, lengths, len(codes))
    order = np.lexsort((codes, -pixels, codes >> 8))
    first = np.flatnonzero(np.diff(codes[order] >> 8, prepend=-1))
    return np.asarray(codes[order][first] & 0xFF, np.int64)


def _collect(found: _Found, num_classes: int) -> WrongObjects:
    amounts, pixels = _no_amounts(num_classes), found.labelled.pixels
    rows = np.stack([np.ones_like(pixels), pixels], axis=1)
    np.add.at(amounts[found.window.class_id], (found.kind, size_bins(pixels)), rows)
    return WrongObjects(amounts, tuple(_describe(found, index) for index in found.labelled.largest(LISTED)))


def _describe(found: _Found, index: int) -> WrongObject:
    left, top, width, height = found.labelled.boxes[index].tolist()
    return WrongObject(
        class_id=found.window.class_id,
        confused_with=int(found.confused_with[index]),
        x=found.window.left + left,
        y=found.window.top + top,
        width=width,
        height=height,
        pixels=int(found.labelled.pixels[index]),
        distance=float(found.distance[index]),
        reach=float(found.reach[index]),
        agreed=found.side.agreed(int(found.part_of[index])),
        kind=Kind(int(found.kind[index])),
    )

"""Where in the frame errors lie: wrong and missed pixels in a grid that is laid over every image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.masks.pairs import PairRuns
from analysis.masks.sources import Size
from formats.arrays import Ints

ACROSS = 48
"""Cells along the frame's longer side."""
LISTED = 24
"""So many images at most are kept of each cell: those with the most errors in it."""
_MOST_LISTED = 2_000_000
"""Of all cells and classes together: with many classes each cell keeps fewer."""
_SAME_SHAPE = 0.02
"""Shapes that differ by less are one: a pixel more or less is cut off often."""
_NOT_JUDGED = 0


@dataclass(frozen=True)
class Frame:
    """The grid: square cells on an image of the median shape; images of other shapes are stretched over it."""

    columns: int
    rows: int
    aspect: float

    @property
    def cells(self) -> int:
        return self.columns * self.rows


def frame_of(sizes: Sequence[Size]) -> Frame:
    """The frame of images of these (width, height); no finer than the pixels of the largest."""
    aspect = float(np.median([width / height for width, height in sizes]))
    columns, rows = (ACROSS, ACROSS / aspect) if aspect >= 1 else (ACROSS * aspect, ACROSS)
    most = (max(sides) for sides in zip(*sizes, strict=True))
    across, down = (max(1, min(round(cells), pixels)) for cells, pixels in zip((columns, rows), most, strict=True))
    return Frame(across, down, aspect)


@dataclass(frozen=True)
class Places:
    """What is in the cells of one image of `size`.

    `cells` are places in an array of shape (kinds, rows, columns), int64, rising, and `pixels` how many there are. Kind
    0 is not judged, 1 to C - 1 wrong by the predicted class; then missed, which is predicted as background, by the true
    class.
    """

    size: Size
    cells: Ints
    pixels: Ints


def kinds(num_classes: int) -> int:
    """How many kinds of pixels `Places` tells apart."""
    return 2 * num_classes - 1


@cache
def _kind_of_code(num_classes: int) -> npt.NDArray[np.int16]:
    """By code of a pair (`analysis.masks.pairs`) its kind, -1 for what is right."""
    true, predicted = np.divmod(np.arange(num_classes * (num_classes + 1)), num_classes)
    kind = np.where(predicted > 0, predicted, num_classes - 1 + true)
    kind[true == predicted] = -1
    kind[true == num_classes] = _NOT_JUDGED
    return kind.astype(np.int16)


def count_places(runs: PairRuns, size: Size, num_classes: int, frame: Frame) -> Places:
    """The errors of an image of `size` (width, height), whose pairs of classes are `runs`, by cell."""
    kind = _kind_of_code(num_classes)[runs.codes]
    at = np.flatnonzero(kind >= 0)
    lengths = runs.lengths.astype(np.int64)
    ends = lengths.cumsum()[at]
    of, row, left, right = _by_row(ends - lengths[at], ends, size[0])
    column_of, row_of = _cells_of(size[0], frame.columns), _cells_of(size[1], frame.rows)
    first, last = column_of[left], column_of[right - 1]
    part, column = _ranges(first, last)
    starts = _starts(size[0], frame.columns)
    inside = np.minimum(right[part], starts[column + 1]) - np.maximum(left[part], starts[column])
    cell = (kind[at][of][part].astype(np.int64) * frame.rows + row_of[row][part]) * frame.columns + column
    counted = np.bincount(cell, inside, kinds(num_classes) * frame.cells)
    cells = np.flatnonzero(counted)
    return Places(size, cells, counted[cells].astype(np.int64))


def _by_row(starts: Ints, ends: Ints, width: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Stretches of pixels (`starts` to before `ends`) cut at the ends of rows: which each part is of, its row, and from
    which column to before which."""
    of, row = _ranges(starts // width, (ends - 1) // width)
    left = np.maximum(starts[of] - row * width, 0)
    return of, row, left, np.minimum(ends[of] - row * width, width)


def _ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """The whole numbers from each `first` to its `last`, and of which pair each is."""
    numbers = last - first + 1
    of = np.repeat(np.arange(len(first)), numbers)
    return of, np.arange(len(of)) - (numbers.cumsum() - numbers - first)[of]


@cache
def _cells_of(pixels: int, cells: int) -> Ints:
    """By row, or column, of an image the cell in which it lies."""
    return np.arange(pixels) * cells // pixels


def _starts(pixels: int, cells: int) -> Ints:
    """The first pixel of each cell, and the end."""
    return -(-np.arange(cells + 1) * pixels // cells)


@dataclass(frozen=True)
class PlaceTotals:
    """What is in the cells of all images.

    `judged` are pixels (rows, columns), `wrong` and `missed` by foreground class, shape (C - 1, rows, columns), all
    int64. `images` are places of images, shape (2, C, rows, columns, n): of wrong and of missed pixels, of all
    foreground first and then of each class, the images with the most of them, -1 where there are no more. The shape of
    the `reshaped` images is not the frame's.
    """

    frame: Frame
    judged: Ints
    wrong: Ints
    missed: Ints
    images: Ints
    reshaped: int


class PlacesCollected:
    """The cells of images as they pass, in memory that does not grow with their number."""

    def __init__(self, frame: Frame, num_classes: int) -> None:
        self._frame, self._kinds = frame, kinds(num_classes)
        self._totals = np.zeros(self._kinds * frame.cells, np.int64)
        self._sizes = Counter[Size]()
        slots = 2 * num_classes * frame.cells
        self._most = np.zeros((slots, max(1, min(LISTED, _MOST_LISTED // slots))), np.int64)
        self._images = np.full_like(self._most, -1)

    def add(self, image: Places) -> None:
        """Take in one image."""
        number = self._sizes.total()
        self._sizes[image.size] += 1
        self._totals[image.cells] += image.pixels
        self._list(number, *self._slots(image))

    def _slots(self, image: Places) -> tuple[Ints, Ints]:
        """The cells of one image as `_most` has them: (wrong or missed) × (all, each class) × cells."""
        foreground, cells = self._kinds // 2, self._frame.cells
        kind, cell = np.divmod(image.cells, cells)
        wrong = kind != _NOT_JUDGED
        side, of_class = np.divmod(kind[wrong] - 1, foreground)
        pixels, first = image.pixels[wrong], foreground * cells
        every = np.bincount(side * cells + cell[wrong], pixels, 2 * cells)
        together = np.flatnonzero(every)
        slots = [together + together // cells * first, side * (cells + first) + (of_class + 1) * cells + cell[wrong]]
        return np.concatenate(slots), np.concatenate([every[together].astype(np.int64), pixels])

    def _list(self, number: int, slots: Ints, pixels: Ints) -> None:
        """Let an image take the place of the one with the fewest errors in each cell, where it has more."""
        least = self._most[slots].argmin(axis=1)
        more = pixels > self._most[slots, least]
        self._most[slots[more], least[more]] = pixels[more]
        self._images[slots[more], least[more]] = number

    def totals(self, place_of: Ints) -> PlaceTotals:
        """All of it; `place_of` says of each image, in the order in which they passed, its place."""
        rows, columns = self._frame.rows, self._frame.columns
        foreground = self._kinds // 2
        by_kind = self._totals.reshape(self._kinds, rows, columns)
        order = np.argsort(-self._most, axis=1, kind="stable")
        images = np.take_along_axis(self._images, order, axis=1)
        listed = np.where(images < 0, -1, place_of[images])
        pixels = np.zeros((rows, columns), np.int64)
        for (width, height), number in self._sizes.items():
            pixels += number * np.outer(np.diff(_starts(height, rows)), np.diff(_starts(width, columns)))
        return PlaceTotals(
            frame=self._frame,
            judged=pixels - by_kind[_NOT_JUDGED],
            wrong=by_kind[1 : foreground + 1],
            missed=by_kind[foreground + 1 :],
            images=listed.reshape(2, foreground + 1, rows, columns, -1),
            reshaped=sum(number for size, number in self._sizes.items() if self._is_reshaped(size)),
        )

    def _is_reshaped(self, size: Size) -> bool:
        return abs(size[0] / size[1] / self._frame.aspect - 1) > _SAME_SHAPE

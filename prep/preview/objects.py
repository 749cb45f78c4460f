"""The objects of a mask: connected regions, of eight neighbours, of one class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formats.arrays import Flags, Ints
from formats.masks import Mask


@dataclass(frozen=True)
class Objects:
    """The objects of one image, in the order of their first pixels; every array has one place for each, int64 (n,):
    class id, pixels, width and height of the box around it. `at_edge` says which reach the image's edge."""

    classes: Ints
    pixels: Ints
    widths: Ints
    heights: Ints
    at_edge: Flags


def find_objects(mask: Mask, num_classes: int) -> Objects:
    """The objects of classes 1 to `num_classes` - 1.

    Runs of one class in a row are found at once in the whole mask, and joined with those that they meet in the row
    below: the cost is that of looking at each pixel once, whatever the number of classes and of objects.
    """
    runs = _find_runs(mask, num_classes)
    first = _joined(len(runs.lefts), *_meetings(runs, mask.shape[1]))
    _, own = np.unique(first, return_inverse=True)
    order = np.argsort(own, kind="stable")
    starts = np.flatnonzero(np.diff(own[order], prepend=-1))
    if not len(starts):
        none = np.zeros(0, np.int64)
        return Objects(none, none, none, none, np.zeros(0, np.bool_))
    left, right = np.minimum.reduceat(runs.lefts[order], starts), np.maximum.reduceat(runs.rights[order], starts)
    top, bottom = np.minimum.reduceat(runs.rows[order], starts), np.maximum.reduceat(runs.rows[order], starts) + 1
    height, width = mask.shape
    return Objects(
        classes=runs.classes[order][starts],
        pixels=np.add.reduceat((runs.rights - runs.lefts)[order], starts),
        widths=right - left,
        heights=bottom - top,
        at_edge=(left == 0) | (top == 0) | (right == width) | (bottom == height),
    )


@dataclass(frozen=True)
class _Runs:
    """Runs of pixels of one class: `lefts` to `rights`, the latter not included, of `rows`; row by row."""

    classes: Ints
    rows: Ints
    lefts: Ints
    rights: Ints


def _find_runs(mask: Mask, num_classes: int) -> _Runs:
    width = mask.shape[1]
    flat = mask.ravel()
    begins = np.empty(mask.shape, np.bool_)
    begins[:, 0] = True
    np.not_equal(mask[:, 1:], mask[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    classes = flat[starts]
    foreground = (classes > 0) & (classes < num_classes)
    ends = np.append(starts[1:], flat.size)[foreground]
    starts = starts[foreground]
    rows = starts // width
    return _Runs(classes[foreground].astype(np.int64), rows, starts - rows * width, ends - rows * width)


def _meetings(runs: _Runs, width: int) -> tuple[Ints, Ints]:
    """Pairs of runs of one class that touch, also by a corner: places of the upper and of the lower."""
    row = width + 2  # so that a run's end never touches the next row's first
    lefts, rights = runs.rows * row + runs.lefts, runs.rows * row + runs.rights
    begin = np.searchsorted(rights, lefts + row, side="left")
    counts = np.searchsorted(lefts, rights + row, side="right") - begin
    upper = np.repeat(np.arange(len(lefts)), counts)
    within = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts)
    lower = np.repeat(begin, counts) + within
    same = runs.classes[upper] == runs.classes[lower]
    return upper[same], lower[same]


def _joined(count: int, upper: Ints, lower: Ints) -> Ints:
    """Of each run the first run of its object: union by the smaller place, all pairs at once, until none differ."""
    first = np.arange(count)
    while len(upper):
        a, b = first[upper], first[lower]
        apart = a != b
        upper, lower, a, b = upper[apart], lower[apart], a[apart], b[apart]
        np.minimum.at(first, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(first, shorter := first[first]):
            first = shorter
    return first

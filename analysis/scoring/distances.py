"""How far the pixels of runs lie from a mask."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from formats.arrays import Ints
from formats.masks import Mask
from formats.objects.runs import Runs

Distances = npt.NDArray[np.float32]

_MARGIN, _ROWS = 16, 32
_SMALL = 2**17
"""Pixels of a mask that is looked at as a whole at once."""
_FEW = 8
"""A part is looked at if the pixels that are asked for are fewer than one in so many."""


def distances_to(mask: Mask, runs: Runs) -> Distances:
    """The distance of each of the runs' pixels to the nearest 1 of a 0/1 mask of their shape, in the order of
    `Runs.places`; inf where it has none. cv2's 5 × 5 distance transform stays within 2 % of the Euclidean distance
    (Borgefors 1986), at a fifth of the exact one's time.

    Wrong pixels are mostly few, and near: then only boxes around them, with a margin, are transformed. What is farther
    than the margin may be nearer to something outside of its box, so that all is transformed after all.
    """
    places = runs.places()
    if mask.size > _SMALL and 0 < _FEW * len(places[0]) < mask.size:
        found = _near(mask, runs)[places]
        if found.max(initial=0) <= _MARGIN:
            return found
    return _transformed(mask)[places]


def _transformed(mask: Mask) -> Distances:
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5), np.float32)


def _near(mask: Mask, runs: Runs) -> Distances:
    """Distances in boxes that hold the runs, exact up to the margin, and nothing in particular elsewhere."""
    found = np.empty(mask.shape, np.float32)
    for left, top, right, bottom in _boxes(runs).tolist():
        first = max(top - _MARGIN, 0), max(left - _MARGIN, 0)
        around = _transformed(mask[first[0] : bottom + _MARGIN, first[1] : right + _MARGIN])
        inside = around[top - first[0] : bottom - first[0], left - first[1] : right - first[1]]
        found[top:bottom, left:right] = inside
    return found


def _boxes(runs: Runs) -> Ints:
    """Boxes left, top, right, bottom that hold all runs, of _ROWS rows at most; those that are near each other are
    one. Shape (n, 4)."""
    strip = runs.rows // _ROWS
    stride = runs.shape[1] + 2 * _MARGIN + 1  # further than anything that is near
    starts = strip * stride + runs.columns
    order = np.argsort(starts, kind="stable")
    starts, rows = starts[order], runs.rows[order]
    reached = np.maximum.accumulate(starts + runs.lengths[order])
    first = np.flatnonzero(np.concatenate([[True], starts[1:] > reached[:-1] + 2 * _MARGIN]))
    last = np.append(first[1:], len(starts)) - 1
    before = strip[order][first] * stride
    top, bottom = np.minimum.reduceat(rows, first), np.maximum.reduceat(rows, first) + 1
    return np.stack([starts[first] - before, top, reached[last] - before, bottom], axis=1)

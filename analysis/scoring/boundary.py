"""Boundary IoU and boundary F: how well outlines agree, as counts that add up over images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from analysis.options import ScoringOptions
from analysis.scoring.class_windows import ClassWindow
from formats.masks import Mask

BoundaryCounts = npt.NDArray[np.int64]
"""Pixels by class, shape (C, len(Column)), dtype int64; the background's row is 0: its outline is
that of the other classes."""


class Column(IntEnum):
    """What is counted of a class. The band is the class within the dilation's distance of its own
    edge; the contour is the class's outermost pixels, near means within the tolerance of the other
    mask's contour."""

    BAND_BOTH = 0
    BAND_EITHER = 1
    TRUE_NEAR = 2
    TRUE = 3
    PREDICTED_NEAR = 4
    PREDICTED = 5


def no_boundaries(num_classes: int) -> BoundaryCounts:
    return np.zeros((num_classes, len(Column)), np.int64)


def dilation_pixels(options: ScoringOptions, width: int, height: int) -> int:
    """The band's width in pixels for an image of width × height: 2 % of its diagonal, unless the
    options say pixels (Cheng et al. 2021; rounded, at least 1, as in their boundary-iou-api)."""
    if options.boundary_pixels is not None:
        return options.boundary_pixels
    return max(1, round(options.boundary_share * math.hypot(width, height)))


def count_boundaries(
    windows: Iterable[ClassWindow], shape: tuple[int, ...], num_classes: int, options: ScoringOptions
) -> BoundaryCounts:
    """The boundary counts of one image of `shape` (height, width)."""
    counts = no_boundaries(num_classes)
    dilation = dilation_pixels(options, shape[1], shape[0])
    for window in windows:
        counts[window.class_id] = _count_class(window, dilation, options.tolerance)
    return counts


def _count_class(window: ClassWindow, dilation: int, tolerance: int) -> tuple[int, ...]:
    true_band, predicted_band = _band(window.true, dilation), _band(window.predicted, dilation)
    true, predicted = _contour(window.true), _contour(window.predicted)
    disk = _disk(tolerance)
    pixels = (
        true_band & predicted_band,
        true_band | predicted_band,
        true & _dilated(predicted, disk),
        true,
        predicted & _dilated(true, disk),
        predicted,
    )
    return tuple(map(cv2.countNonZero, pixels))


def _dilated(mask: Mask, kernel: Mask) -> Mask:
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def _band(mask: Mask, distance: int) -> Mask:
    """The pixels of a 0/1 mask within `distance` (chessboard) of what is not mask; beyond the
    window is not, also beyond the image's edge."""
    return mask & ~_eroded(mask, distance)


def _eroded(mask: Mask, radius: int) -> Mask:
    """The pixels of a 0/1 mask whose square of side 2 × radius + 1 is all mask.

    Neighbours are joined two by two, then four by four …, along columns eight pixels at a time, packed
    into a byte: half the time of cv2.erode with so large a square.
    """
    side = 2 * radius + 1
    border = cv2.BORDER_CONSTANT
    padded = np.asarray(cv2.copyMakeBorder(mask, radius, radius, radius, radius, border, value=0), np.uint8)
    columns = _join(np.packbits(padded, axis=1), side)
    return _join(np.unpackbits(columns, axis=1, count=padded.shape[1]).T, side).T


def _join(flags: Mask, number: int) -> Mask:
    """The bitwise and of each so many neighbours along the first axis."""
    joined = 1
    while joined < number:
        step = min(joined, number - joined)
        flags = flags[:-step] & flags[step:]
        joined += step
    return flags


def _contour(mask: Mask) -> Mask:
    """The pixels of a 0/1 mask that have a neighbour (of four) inside the image that is not."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    return mask & ~np.asarray(cv2.erode(mask, cross), np.uint8)


@cache
def _disk(radius: int) -> Mask:
    """The pixels within `radius` (Euclidean) of the middle one."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2).astype(np.uint8)

"""Boundary IoU and boundary F: how well outlines agree, as counts that add up over images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from analysis.class_windows import ClassWindow
from analysis.scoring_options import ScoringOptions
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
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = np.asarray(cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=distance), np.uint8)
    return mask & ~inner[1:-1, 1:-1]


def _contour(mask: Mask) -> Mask:
    """The pixels of a 0/1 mask that have a neighbour (of four) inside the image that is not."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    return mask & ~np.asarray(cv2.erode(mask, cross), np.uint8)


def _disk(radius: int) -> Mask:
    """The pixels within `radius` (Euclidean) of the middle one."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2).astype(np.uint8)

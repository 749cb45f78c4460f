"""Boundary IoU and boundary F: how well outlines agree, as counts that add up over images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from analysis.masks.bits import contour, count, dilated, eroded, pack
from analysis.options import ScoringOptions
from analysis.scoring.class_windows import ClassWindow

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
    """The window reaches beyond the class unless the image ends there: what lies beyond the window is not the class for
    the band, as at the image's edge (Cheng et al. 2021), and nothing that a contour could be beside."""
    masks = pack(window.true), pack(window.predicted)
    true_band, predicted_band = (mask & ~eroded(mask, dilation) for mask in masks)
    true, predicted = (contour(mask, window.true.shape[1]) for mask in masks)
    pixels = (
        true_band & predicted_band,
        true_band | predicted_band,
        true & dilated(predicted, tolerance),
        true,
        predicted & dilated(true, tolerance),
        predicted,
    )
    return tuple(map(count, pixels))

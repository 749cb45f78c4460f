"""Regions of pixels painted over each other in the order of an annotation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from formats.arrays import Flags
from formats.masks import Mask

OVERLAP = "overlap_pixels"
"""The attribute that counts an image's pixels under regions of more than one class."""
_NOBODY = 254
"""A value that no class has, and that is not ignore either: ids end at 253."""


@dataclass(frozen=True)
class Region:
    """What one annotation covers: `flags`, shape (height, width), from (left, top) of the image on, which may lie
    partly outside of it. `class_id` may be 0, background, or 255, ignore."""

    class_id: int
    left: int
    top: int
    flags: Flags


def paint(regions: Iterable[Region], size: tuple[int, int]) -> Mask:
    """The mask of an image of size (width, height): background, and each region over those before it."""
    return _painted(regions, size, ground=0)


def is_seen(region: Region, size: tuple[int, int]) -> bool:
    """Whether a region covers a pixel of an image of (width, height)."""
    return bool(_seen(region, np.zeros(size[::-1], np.uint8))[1].any())


def count_overlap(regions: Sequence[Region], size: tuple[int, int]) -> int:
    """The pixels of an image that regions of more than one class cover, where the order decided.

    Painted in order of class ids, upwards and downwards, a pixel shows the highest and the lowest class that covers it.
    """
    if len({region.class_id for region in regions}) < 2:
        return 0
    upwards = sorted(regions, key=lambda region: region.class_id)
    highest = _painted(upwards, size, ground=_NOBODY)
    return int(np.count_nonzero(highest != _painted(upwards[::-1], size, ground=_NOBODY)))


def _painted(regions: Iterable[Region], size: tuple[int, int], *, ground: int) -> Mask:
    mask: Mask = np.full(size[::-1], ground, np.uint8)
    for region in regions:
        under, flags = _seen(region, mask)
        under[flags] = region.class_id
    return mask


def _seen(region: Region, canvas: Mask) -> tuple[Mask, Flags]:
    """The part of a canvas that lies under a region, and the region's flags there."""
    height, width = region.flags.shape
    top, left = max(region.top, 0), max(region.left, 0)
    bottom = max(top, min(region.top + height, canvas.shape[0]))
    right = max(left, min(region.left + width, canvas.shape[1]))
    flags = region.flags[top - region.top : bottom - region.top, left - region.left : right - region.left]
    return canvas[top:bottom, left:right], flags

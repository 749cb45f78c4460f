"""Regions of pixels painted over each other in the order of an annotation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from formats.masks import Mask

OVERLAP = "overlap_pixels"
"""The attribute that counts an image's pixels under regions of more than one class."""
Flags = npt.NDArray[np.bool_]


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
    mask: Mask = np.zeros(size[::-1], np.uint8)
    for region in regions:
        under, flags = _seen(region, mask)
        under[flags] = region.class_id
    return mask


def count_overlap(regions: Sequence[Region], size: tuple[int, int]) -> int:
    """The pixels of an image that regions of more than one class cover, where the order decided."""
    if not any(a.class_id != b.class_id and _touch(a, b) for a, b in combinations(regions, 2)):
        return 0
    covered = {region.class_id: np.zeros(size[::-1], np.uint8) for region in regions}
    for region in regions:
        under, flags = _seen(region, covered[region.class_id])
        under[flags] = 1
    total = np.zeros(size[::-1], np.uint8)
    for one in covered.values():
        total += one
    return int(np.count_nonzero(total > 1))


def _seen(region: Region, canvas: Mask) -> tuple[Mask, Flags]:
    """The part of a canvas that lies under a region, and the region's flags there."""
    height, width = region.flags.shape
    top, left = max(region.top, 0), max(region.left, 0)
    bottom = max(top, min(region.top + height, canvas.shape[0]))
    right = max(left, min(region.left + width, canvas.shape[1]))
    flags = region.flags[top - region.top : bottom - region.top, left - region.left : right - region.left]
    return canvas[top:bottom, left:right], flags


def _touch(one: Region, other: Region) -> bool:
    """Whether the boxes of two regions have pixels in common."""
    (height, width), (other_height, other_width) = one.flags.shape, other.flags.shape
    return bool(
        one.left < other.left + other_width
        and other.left < one.left + width
        and one.top < other.top + other_height
        and other.top < one.top + height
    )

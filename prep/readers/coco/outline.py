"""The outline of one annotation: polygons, run lengths, or a box alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.coco_raster import check_ring, polygon_region, run_length_region

_BOX_NUMBERS = 4
_SEGMENTATION = "expected polygons [[x, y, x, y, …], …], or run lengths {counts, size}"


@dataclass(frozen=True)
class Polygons:
    """Rings of x, y, x, y, … in pixels; their union is meant."""

    rings: Sequence[Sequence[float]]

    def region(self, class_id: int, size: tuple[int, int], place: str) -> Region:
        return polygon_region(self.rings, class_id, size, place)


@dataclass(frozen=True)
class RunLengths:
    """Runs over an image of `size` (width, height): numbers, or COCO's text."""

    counts: Sequence[int] | str
    size: tuple[int, int]

    def region(self, class_id: int, size: tuple[int, int], place: str) -> Region:
        return run_length_region(self.counts, class_id, size, place)


Outline = Polygons | RunLengths


def outline_of(annotation: Mapping[str, Any], place: str) -> Outline | None:
    """The outline that an annotation has; None where it has none. Raises SagesegError for what is no outline; run
    lengths are checked when they are drawn, or by `read_runs`."""
    drawn = annotation.get("segmentation")
    if drawn is None or drawn in ([], [[]], {}):
        return None
    if isinstance(drawn, dict):
        return _run_lengths(drawn, place)
    if not isinstance(drawn, list):
        raise SagesegError(f"{place}: segmentation is {str(drawn)[:40]!r}; {_SEGMENTATION}")
    rings = drawn if isinstance(drawn[0], list) else [drawn]
    if not all(isinstance(ring, list) for ring in rings):
        raise SagesegError(f"{place}: segmentation mixes lists with other values; {_SEGMENTATION}")
    for ring in rings:
        check_ring(ring, place)
    return Polygons(rings)


def box_of(annotation: Mapping[str, Any], place: str) -> Polygons | None:
    """The bounding box of an annotation as a polygon; None where it has none, or one without area."""
    box = annotation.get("bbox")
    if not box:
        return None
    numbers = isinstance(box, list) and len(box) == _BOX_NUMBERS and set(map(type, box)) <= {int, float}
    if not numbers:
        raise SagesegError(f"{place}: bbox is {str(box)[:60]}; expected left, top, width, height")
    left, top, width, height = box
    if width <= 0 or height <= 0:
        return None
    ring = [left, top, left + width, top, left + width, top + height, left, top + height]
    check_ring(ring, place)
    return Polygons([ring])


def _run_lengths(drawn: Mapping[str, Any], place: str) -> RunLengths:
    counts, size = drawn.get("counts"), drawn.get("size")
    if not isinstance(counts, list | str) or not isinstance(size, list) or len(size) != 2:
        raise SagesegError(f"{place}: segmentation is an object of {', '.join(map(str, drawn))}; {_SEGMENTATION}")
    sides = [int(side) for side in size if type(side) in (int, float) and 1 <= side < 2**31 and side == int(side)]
    if len(sides) != len(size):
        raise SagesegError(f"{place}: run lengths of size {size}; expected height and width in pixels")
    return RunLengths(counts, (sides[1], sides[0]))

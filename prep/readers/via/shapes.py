"""What VIA's shapes cover.

VIA defines no raster; its own COCO export (which has no polylines) gives polygons, so polygons are drawn as COCO's, and
a rectangle by its corners. Of a circle or an ellipse the pixels whose centres lie within are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from formats.errors import SagesegError
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.coco_raster import check_ring, polygon_region
from prep.readers.labelled_image import Polygon

SHAPES = ("polygon", "polyline", "rect", "circle", "ellipse")
"""A polyline is taken for the polygon that closing it makes; points have no area."""


def draw(shape: Mapping[str, Any], class_id: int, size: tuple[int, int], place: str) -> Region:
    """What one of SHAPES covers of an image of (width, height). Raises SagesegError naming the place."""
    with _shape_errors(shape, place):
        return _drawn(shape, class_id, size, place)


def outline(shape: Mapping[str, Any], place: str) -> Polygon:
    """The corners of a shape that says where to look."""
    if shape["name"] in ("circle", "ellipse"):
        raise SagesegError(f"{place}: a region to look at is a polygon or a rect, no {shape['name']}")
    with _shape_errors(shape, place):
        ring = _ring(shape)
        check_ring(ring, place)
        return tuple(zip(ring[0::2], ring[1::2], strict=True))


@contextmanager
def _shape_errors(shape: Mapping[str, Any], place: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise SagesegError(f"{place}: no {shape.get('name')} of VIA ({type(e).__name__}: {e})") from e


def _drawn(shape: Mapping[str, Any], class_id: int, size: tuple[int, int], place: str) -> Region:
    if shape["name"] in ("circle", "ellipse"):
        across = float(shape["r" if shape["name"] == "circle" else "rx"])
        down = float(shape["r" if shape["name"] == "circle" else "ry"])
        return _ellipse((shape["cx"], shape["cy"]), (across, down), float(shape.get("theta") or 0), class_id, size)
    return polygon_region([_ring(shape)], class_id, size, place)


def _ring(shape: Mapping[str, Any]) -> list[float]:
    """The corners of a rect, a polygon or a polyline: x, y, x, y, …"""
    if shape["name"] == "rect":
        x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return [x, y, x + width, y, x + width, y + height, x, y + height]
    pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
    return [float(number) for pair in pairs for number in pair]


def _ellipse(
    centre: tuple[float, float], radii: tuple[float, float], theta: float, class_id: int, size: tuple[int, int]
) -> Region:
    """Pixels whose centres are inside; `theta` turns the first radius, in radians, from the x axis to the y axis."""
    if min(radii) <= 0:
        raise ValueError("a radius of 0")
    reach = max(radii)
    left, right = (max(0, min(size[0], math.floor(centre[0] + end))) for end in (-reach, reach + 1))
    top, bottom = (max(0, min(size[1], math.floor(centre[1] + end))) for end in (-reach, reach + 1))
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    x, y = x - centre[0], y - centre[1]
    along, beside = x * math.cos(theta) + y * math.sin(theta), y * math.cos(theta) - x * math.sin(theta)
    return Region(class_id, left, top, (along / radii[0]) ** 2 + (beside / radii[1]) ** 2 <= 1)

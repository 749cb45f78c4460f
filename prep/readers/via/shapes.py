"""What VIA's shapes cover.

VIA defines no raster; its own COCO export (which has no polylines) gives polygons, so polygons are drawn as COCO's, and
a rectangle by its corners. Of a circle or an ellipse the pixels whose centres lie within are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from formats.errors import SagesegError
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.coco_raster import check_ring, polygon_region
from prep.readers.annotations.ellipses import ellipse_region
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
        raise SagesegError(f"{place}: a region to look at is a polygon or a rect, no {shape['name']}; draw it as one")
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
        radii = (float(shape["r"]),) * 2 if shape["name"] == "circle" else (float(shape["rx"]), float(shape["ry"]))
        if min(radii) <= 0:
            raise ValueError("a radius of 0")
        centre = float(shape["cx"]), float(shape["cy"])
        return ellipse_region(centre, (radii[0], radii[1]), float(shape.get("theta") or 0), class_id, size)
    return polygon_region([_ring(shape)], class_id, size, place)


def _ring(shape: Mapping[str, Any]) -> list[float]:
    """The corners of a rect, a polygon or a polyline: x, y, x, y, …"""
    if shape["name"] == "rect":
        x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return [x, y, x + width, y, x + width, y + height, x, y + height]
    pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
    return [float(number) for pair in pairs for number in pair]

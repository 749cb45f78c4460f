"""What Label Studio's regions cover.

Coordinates are in percent of the image's sides. Polygons and rectangles are drawn by pycocotools, because Label Studio
itself exports them as COCO's; brushes and bitmasks are their pixels whose alpha is not 0, as Label Studio shows them.
Its converter draws no ellipse: here one covers the pixels whose centres it holds.
"""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from formats.arrays import Flags
from formats.brush_rle import decode_brush
from formats.errors import SagesegError
from formats.images import open_header
from formats.texts.typed_json import short
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.coco_raster import polygon_region
from prep.readers.annotations.ellipses import ellipse_region
from prep.readers.labelled_image import Polygon

Size = tuple[int, int]
"""(width, height)."""
_FARTHEST = 1e6
"""Coordinates beyond are a mistake."""
_AGAIN = "draw it again in Label Studio"
_KEYS = {
    "brush": ("rle",),
    "bitmask": ("imageDataURL",),
    "vector": ("vertices",),
    "polygon": ("points",),
    "ellipse": ("x", "y", "radiusX", "radiusY"),
    "rectangle": ("x", "y", "width", "height"),
    "keypoint": ("x", "y", "width"),
}
"""By kind what its value holds; the first that fits is the kind."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A region: what its value says, its one label, and where it stands, for messages. `size` is the image's as the
    region states it; `control` is as in `Entry`."""

    where: str
    kind: str
    label: str
    value: dict[str, Any]
    size: Size | None
    control: str | None


def kind_of(value: dict[str, Any]) -> str | None:
    """What kind of region a value describes; None where it is none, such as a choice."""
    return next((kind for kind, keys in _KEYS.items() if all(key in value for key in keys)), None)


def outline_of(kind: str, value: dict[str, Any]) -> str:
    """What two results of one region have in common."""
    keys = (*_KEYS[kind], "rotation", "height")
    return repr([value.get(key) for key in dict.fromkeys(keys)])


def draw(shape: Shape, class_id: int, size: Size) -> Region:
    """What a shape covers of an image. Raises SagesegError naming the shape whose value is not as it should be."""
    return _DRAWN[shape.kind](shape, class_id, size)


def corners(shape: Shape, size: Size) -> Polygon:
    """The corners, in pixels, of a polygon or rectangle."""
    return _points(shape, size) if shape.kind == "polygon" else _box(shape, size)


def _points(shape: Shape, size: Size) -> Polygon:
    points = shape.value["points"]
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise SagesegError(f"{shape.where}: points are {short(points)}; expected pairs of numbers, [[x, y], …]")
    # in this order of operations, as the converter has it: rounding decides pixels
    return tuple(
        (_number(x, "points", shape) / 100 * size[0], _number(y, "points", shape) / 100 * size[1]) for x, y in points
    )


def _box(shape: Shape, size: Size) -> Polygon:
    """Corners in the order in which COCO draws a box. A box turns clockwise about its upper left corner."""
    x, width = (_of(shape, key) / 100 * size[0] for key in ("x", "width"))
    y, height = (_of(shape, key) / 100 * size[1] for key in ("y", "height"))
    angle = math.radians(_turn(shape))
    if not angle:
        return ((x, y), (x, y + height), (x + width, y + height), (x + width, y))
    cos, sin = math.cos(angle), math.sin(angle)
    across, down = (width * cos, width * sin), (-height * sin, height * cos)
    return (
        (x, y),
        (x + down[0], y + down[1]),
        (x + across[0] + down[0], y + across[1] + down[1]),
        (x + across[0], y + across[1]),
    )


def _polygon(shape: Shape, class_id: int, size: Size) -> Region:
    ring = [side for corner in corners(shape, size) for side in corner]
    return polygon_region([ring], class_id, size, shape.where)


def _ellipse(shape: Shape, class_id: int, size: Size) -> Region:
    """Turned clockwise about its centre, which x and y are; radii are in percent of the width and of the height."""
    x, along = (_of(shape, key) / 100 * size[0] for key in ("x", "radiusX"))
    y, across = (_of(shape, key) / 100 * size[1] for key in ("y", "radiusY"))
    return ellipse_region((x, y), (along, across), math.radians(_turn(shape)), class_id, size)


def _brush(shape: Shape, class_id: int, size: Size) -> Region:
    try:
        flags = decode_brush(shape.value["rle"], size)
    except ValueError as e:
        raise SagesegError(f"{shape.where}: its rle cannot be decoded: {e}; {_AGAIN}") from e
    return _trimmed(flags, class_id)


def _bitmask(shape: Shape, class_id: int, size: Size) -> Region:
    try:
        scheme, _, encoded = str(shape.value["imageDataURL"]).partition("base64,")
        if not scheme.startswith("data:image/"):
            raise ValueError("no image in base64")  # noqa: TRY301
        with open_header(b64decode(encoded, validate=True)) as image:
            if not image.has_transparency_data:
                raise ValueError(f"{image.mode} without transparency")  # noqa: TRY301
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
    except (ValueError, OSError, SyntaxError, binascii.Error, Image.DecompressionBombError) as e:
        raise SagesegError(f"{shape.where}: its imageDataURL cannot be read ({e}); {_AGAIN}") from e
    if alpha.shape != size[::-1]:
        told = f"{alpha.shape[1]}×{alpha.shape[0]}"
        raise SagesegError(f"{shape.where}: its bitmask has {told} pixels, the image {size[0]}×{size[1]}; {_AGAIN}")
    return _trimmed(alpha != 0, class_id)


def _vector(shape: Shape, class_id: int, size: Size) -> Region:  # noqa: ARG001  # as all that draw
    raise SagesegError(
        f"{shape.where}: a vector, whose curves are not drawn here; draw a polygon or brush in its place"
    )


_DRAWN: dict[str, Callable[[Shape, int, Size], Region]] = {
    "brush": _brush,
    "bitmask": _bitmask,
    "vector": _vector,
    "polygon": _polygon,
    "ellipse": _ellipse,
    "rectangle": _polygon,
}


def _trimmed(flags: Flags, class_id: int) -> Region:
    """The part of an image's flags that holds any."""
    rows, columns = np.flatnonzero(flags.any(axis=1)), np.flatnonzero(flags.any(axis=0))
    if not rows.size:
        return _nothing(class_id)
    left, top = int(columns[0]), int(rows[0])
    return Region(class_id, left, top, flags[top : rows[-1] + 1, left : columns[-1] + 1].copy())


def _nothing(class_id: int) -> Region:
    return Region(class_id, 0, 0, np.zeros((0, 0), np.bool_))


def _turn(shape: Shape) -> float:
    """The rotation in degrees; files may leave it out."""
    return _of(shape, "rotation") if shape.value.get("rotation") is not None else 0.0


def _of(shape: Shape, key: str) -> float:
    return _number(shape.value[key], key, shape)


def _number(value: object, key: str, shape: Shape) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_FARTHEST <= value <= _FARTHEST:
        raise SagesegError(f"{shape.where}: {key} holds {short(value)}; expected percent of the image's side")
    return float(value)

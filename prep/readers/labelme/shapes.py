"""Shapes become pixels as labelme draws them, all on one canvas.

labelme draws each shape on a canvas of its own and then paints the classes over each other in the
order of the file. Painting class ids straight onto one canvas in that order gives the same pixels.
What Pillow draws for each type, with labelme's line width and point size, was read from labelme
(`shape_to_mask`, `shapes_to_label`) and is compared with it by `make oracles`. Versions differ:
since 7.0 the bends of linestrips are round, since 7.1 the corners of masks are rounded rather than
cut off, and a mask larger than corners of whole pixels is cut to them. A file is drawn as the version
that wrote it draws; what that version could not draw (a larger mask, before 7.1), as 7.9.1 does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from formats.errors import SagesegError, for_all
from formats.masks import Mask
from prep.readers.labelme.annotation import Annotation, Patch, Point, Shape

LINE_WIDTH = 10
POINT_RADIUS = 5
_ROUND_BENDS, _ROUND_CORNERS = (7,), (7, 1)
_NOBODY = 254
"""A value that no class has, and that is not ignore either: ids end at 253."""


def draw_shapes(annotation: Annotation, ids: Mapping[str, int], size: tuple[int, int]) -> Mask:
    """The mask of an image of size (width, height): background, and each shape's class over those
    before it. `ids` holds every label of the annotation, ignore too."""
    return _paint(annotation.shapes, ids, size, annotation.version, ground=0)


def count_overlap(annotation: Annotation, ids: Mapping[str, int], size: tuple[int, int]) -> int:
    """The pixels that shapes of more than one class cover, where the order decided.

    Painted in order of class ids, upwards and downwards, a pixel shows the highest and the lowest
    class that covers it.
    """
    if len({ids[shape.label] for shape in annotation.shapes}) < 2:
        return 0
    upwards = sorted(annotation.shapes, key=lambda shape: ids[shape.label])
    highest = _paint(upwards, ids, size, annotation.version, ground=_NOBODY)
    lowest = _paint(upwards[::-1], ids, size, annotation.version, ground=_NOBODY)
    return int(np.count_nonzero(highest != lowest))


def check_inside(annotation: Annotation, size: tuple[int, int]) -> None:
    """Raise SagesegError for shapes of which no point, nor any part between them, can be seen."""
    width, height = size

    def check(shape: Shape) -> None:
        left, top, right, bottom = _reach(shape)
        if right < 0 or bottom < 0 or left >= width or top >= height:
            raise SagesegError(
                f"{shape.where}: lies outside the image of {width}×{height} pixels, around ({left:g}, {top:g}); "
                "draw it again in labelme"
            )

    for_all(check, annotation.shapes)


def _reach(shape: Shape) -> tuple[float, float, float, float]:
    """The left, top, right and bottom ends of what a shape draws."""
    if shape.kind == "circle":
        return _circle(*shape.points)
    columns, rows = zip(*shape.points, strict=True)
    margin = {"line": LINE_WIDTH / 2, "linestrip": LINE_WIDTH / 2, "point": POINT_RADIUS, "points": POINT_RADIUS}
    around = margin.get(shape.kind, 0)
    return min(columns) - around, min(rows) - around, max(columns) + around, max(rows) + around


def _paint(
    shapes: Iterable[Shape], ids: Mapping[str, int], size: tuple[int, int], version: Sequence[int], *, ground: int
) -> Mask:
    canvas = Image.new("L", size, ground)
    pen = ImageDraw.Draw(canvas)
    for shape in shapes:
        value = ids[shape.label]
        if shape.patch is not None:
            _paste_patch(canvas, shape, shape.patch, value, rounded=tuple(version) >= _ROUND_CORNERS)
        else:
            _draw(pen, shape, value, round_bends=tuple(version) >= _ROUND_BENDS)
    return np.asarray(canvas)


def _draw(pen: ImageDraw.ImageDraw, shape: Shape, value: int, *, round_bends: bool) -> None:
    points = list(shape.points)
    match shape.kind:
        case "circle":
            pen.ellipse(_circle(*points), fill=value, outline=value)
        case "rectangle":
            (columns, rows) = zip(*points, strict=True)
            pen.rectangle((min(columns), min(rows), max(columns), max(rows)), fill=value, outline=value)
        case "line":
            pen.line(points, fill=value, width=LINE_WIDTH)
        case "linestrip":
            pen.line(points, fill=value, width=LINE_WIDTH, joint="curve" if round_bends else None)
        case "point" | "points":
            for x, y in points:
                dot = (x - POINT_RADIUS, y - POINT_RADIUS, x + POINT_RADIUS, y + POINT_RADIUS)
                pen.ellipse(dot, fill=value, outline=value)
        case _:  # polygon, oriented_rectangle
            pen.polygon(points, fill=value, outline=value)


def _circle(centre: Point, rim: Point) -> tuple[float, float, float, float]:
    radius = math.sqrt((centre[0] - rim[0]) ** 2 + (centre[1] - rim[1]) ** 2)
    return centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius


def _paste_patch(canvas: Image.Image, shape: Shape, patch: Patch, value: int, *, rounded: bool) -> None:
    """Paint a mask shape inside its box; what reaches over the canvas is cut off."""
    left, top, width, height = _patch_box(shape, patch, rounded=rounded)
    seen = min(width, canvas.width - left), min(height, canvas.height - top)
    if min(width, height) < 1 or patch.shape[1] < seen[0] or patch.shape[0] < seen[1]:
        raise SagesegError(
            f"{shape.where}: its mask has {patch.shape[1]}×{patch.shape[0]} pixels, its corners span {width}×{height}, "
            "which labelme does not draw either; delete the shape, or draw it again in labelme"
        )
    canvas.paste(value, (left, top), Image.fromarray(patch[:height, :width]))


def _patch_box(shape: Shape, patch: Patch, *, rounded: bool) -> tuple[int, int, int, int]:
    """The left, top, width and height that a mask shape covers.

    Corners of whole pixels bound it, and cut off what is beyond. Corners of fractions of pixels only place
    it: rounded, or cut off where a version that did so could draw it.
    """
    place = round if rounded else int
    (left, top), (right, bottom) = ((place(x), place(y)) for x, y in shape.points)
    span, size = (right - left + 1, bottom - top + 1), (patch.shape[1], patch.shape[0])
    if all(float(side).is_integer() for point in shape.points for side in point):
        return left, top, *span
    if span != size:
        left, top = (round(side) for side in shape.points[0])
    return left, top, *size

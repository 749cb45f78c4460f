"""The shapes of one image, as CVAT's own export of masks draws them.

CVAT (dataset_manager/formats/transformations.py) draws polygons and boxes by pycocotools, a turned box as a polygon of
two decimals, and an ellipse by OpenCV at whole pixels; its masks are runs over a box, row by row, the first of zeros.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import cv2
import numpy as np

from formats.errors import Faults, SagesegError
from formats.texts.typed_json import short
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.coco_raster import check_ring, polygon_region
from prep.readers.labelled_image import REGION, Polygon

NOT_DRAWN = ("polyline", "points", "cuboid", "skeleton", "tag")
"""What CVAT has beside areas: lines, points, and what is said of a whole image."""
_FARTHEST = 1e6
"""Coordinates beyond are a mistake, and would overflow when drawn."""
_DECIMALS = 2
"""What CVAT rounds the corners of a turned box to."""

IdOf = Callable[[str, str], int]
"""The id of a label at a place, which messages name."""
Size = tuple[int, int]


@dataclass(frozen=True)
class Drawn:
    """The shapes of one image: `regions` in the order in which they lie over each other, `focus` those that only say
    where to look, how many others there are by tag, and how many are said to be partly hidden."""

    regions: tuple[Region, ...]
    focus: tuple[Polygon, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    occluded: int = 0


def draw_shapes(shapes: Iterable[tuple[str | None, Element]], id_of: IdOf, size: Size, where: str) -> Drawn:
    """Draw shapes on an image of size (width, height). Each comes with the label of its track, None where the element
    has its own. The higher `z_order` lies over the lower, of equal ones the later in the file.

    Raises SagesegError, naming `where` and the shape, for whatever cannot be drawn as it was seen.
    """
    drawn: list[tuple[int, Region]] = []
    focus: list[Polygon] = []
    left_out: Counter[str] = Counter()
    occluded = 0
    faults = Faults()
    for number, (of_track, shape) in enumerate(shapes):
        label = shape.get("label", "") if of_track is None else of_track
        place = f"{where}, shape {number + 1} ({shape.tag} {label})"
        with faults:
            if shape.tag in NOT_DRAWN:
                left_out[shape.tag] += 1
            elif shape.tag not in _DRAW:
                raise _strange(shape, where)
            elif label == REGION:
                focus.append(_focus(shape, place))
            else:
                occluded += shape.get("occluded") == "1"
                region = _DRAW[shape.tag](shape, id_of(label, place), size, place)
                drawn.append((_whole(shape, "z_order", place, "0"), region))
    faults.check()
    drawn.sort(key=lambda each: each[0])
    return Drawn(tuple(region for _, region in drawn), tuple(focus), left_out, occluded)


def _strange(shape: Element, where: str) -> SagesegError:
    return SagesegError(
        f"{where}: <{shape.tag}>; expected one of {', '.join((*_DRAW, *NOT_DRAWN))}, as CVAT 1.1 writes them"
    )


def _polygon(shape: Element, class_id: int, size: Size, place: str) -> Region:
    return polygon_region([_points(shape, place)], class_id, size, place)


def _box(shape: Element, class_id: int, size: Size, place: str) -> Region:
    corners = _corners(shape, place)
    return polygon_region([[number for point in corners for number in point]], class_id, size, place)


def _ellipse(shape: Element, class_id: int, size: Size, place: str) -> Region:
    x, y, *radii = (round(_number(shape, key, place)) for key in ("cx", "cy", "rx", "ry"))
    if min(radii) < 0:
        raise SagesegError(f"{place}: radii {shape.get('rx')} and {shape.get('ry')}; expected none below 0")
    canvas = np.zeros(size[::-1], np.uint8)
    angle = _number(shape, "rotation", place, "0")
    cv2.ellipse(canvas, (x, y), (radii[0], radii[1]), angle, 0, 360, (1,), cv2.FILLED)
    return Region(class_id, 0, 0, canvas.view(np.bool_))


def _mask(shape: Element, class_id: int, size: Size, place: str) -> Region:
    left, top, width, height = (_whole(shape, key, place) for key in ("left", "top", "width", "height"))
    if min(left, top) < 0 or min(width, height) < 1 or left + width > size[0] or top + height > size[1]:
        raise SagesegError(
            f"{place}: a mask of {width}×{height} pixels at {left},{top}, which leaves the image of {size[0]}×{size[1]}"
            "; draw it again, or delete it"
        )
    counts = _runs(shape.get("rle", ""), place)
    if sum(counts) != width * height:
        raise SagesegError(
            f"{place}: run lengths of {sum(counts)} pixels, but its width and height say {width}×{height} = "
            f"{width * height}; export it again"
        )
    flags = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
    return Region(class_id, left, top, flags)


_DRAW: dict[str, Callable[[Element, int, Size, str], Region]] = {
    "polygon": _polygon,
    "mask": _mask,
    "box": _box,
    "ellipse": _ellipse,
}


def _focus(shape: Element, place: str) -> Polygon:
    if shape.tag == "box":
        return tuple(_corners(shape, place))
    if shape.tag != "polygon":
        raise SagesegError(f"{place}: a region to look at is a polygon or a box; draw it as one")
    numbers = _points(shape, place)
    check_ring(numbers, place)
    return tuple(zip(numbers[0::2], numbers[1::2], strict=True))


def _corners(shape: Element, place: str) -> list[tuple[float, float]]:
    """The corners of a box, turned clockwise by its `rotation`, in degrees, about its middle."""
    left, top, right, bottom = (_number(shape, key, place) for key in ("xtl", "ytl", "xbr", "ybr"))
    if right < left or bottom < top:
        raise SagesegError(
            f"{place}: from {left:g},{top:g} to {right:g},{bottom:g}; expected the upper left corner first"
        )
    angle = math.radians(_number(shape, "rotation", place, "0"))
    if not angle:
        # through its width and height: the raster rounds fifths of pixels, and the sum may be just beside one
        right, bottom = left + (right - left), top + (bottom - top)
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    middle_x, middle_y = left + (right - left) / 2, top + (bottom - top) / 2
    sine, cosine = math.sin(angle), math.cos(angle)
    corners = [
        (
            middle_x + cosine * (x - middle_x) - sine * (y - middle_y),
            middle_y + sine * (x - middle_x) + cosine * (y - middle_y),
        )
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    return [(x, y) for x, y in np.around(corners, _DECIMALS).tolist()]


def _points(shape: Element, place: str) -> list[float]:
    """x, y, x, y, … of a polygon."""
    text = shape.get("points", "")
    pairs = text.split(";")
    try:
        if any(pair.count(",") != 1 for pair in pairs):
            raise ValueError("no pair")  # noqa: TRY301
        return list(map(float, ",".join(pairs).split(",")))
    except ValueError as e:
        raise SagesegError(f"{place}: points are {short(text)}; expected x,y;x,y;…") from e


def _number(shape: Element, key: str, place: str, default: str = "") -> float:
    text = shape.get(key, default)
    try:
        number = float(text)
    except ValueError as e:
        raise SagesegError(f"{place}: {key} is {short(text)}; expected a number") from e
    _check_near(number, place)
    return number


def _check_near(number: float, place: str) -> None:
    if not abs(number) <= _FARTHEST:  # nan too
        raise SagesegError(f"{place}: {number:g} is not finite or over {_FARTHEST:,.0f} pixels away; draw it again")


def _whole(shape: Element, key: str, place: str, default: str = "") -> int:
    text = shape.get(key, default)
    try:
        return int(text)
    except ValueError as e:
        raise SagesegError(f"{place}: {key} is {short(text)}; expected a whole number") from e


def _runs(text: str, place: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError as e:
        raise SagesegError(f"{place}: rle is {short(text)}; expected whole numbers with commas between") from e
    if min(counts) < 0:
        raise SagesegError(f"{place}: rle holds {min(counts)}; expected counts of pixels, from 0 on")
    return counts

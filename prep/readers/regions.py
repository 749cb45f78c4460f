"""Where to look: the regions that --focus keeps crops of, drawn in labelme under the label
`__region__`, on the images themselves or once for a whole video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from PIL import Image, ImageDraw

from formats.errors import SagesegError
from formats.masks import Mask
from formats.texts.given_files import read_text
from formats.texts.json_text import parse_json
from formats.texts.typed_json import check_type, short
from formats.texts.wording import name_first
from prep.options import REGION_LABEL
from prep.readers.labelled_image import REGION, LabelledImage, Polygon

_FARTHEST = 1e6
"""Coordinates beyond are a mistake, and would overflow when drawn."""


class _Content(TypedDict):
    shapes: list[dict[str, Any]]


def with_regions(images: Sequence[LabelledImage], focus: str | Path | None) -> Sequence[LabelledImage]:
    """The images with the regions that `focus` means, which are those that readers found, or those
    of a JSON file for all images, or those of a folder with one <group>.json each.

    With the word `region`, an image without a region of its own takes those of its group. Raises
    SagesegError for a group without any, and for files that hold no region.
    """
    if isinstance(focus, Path):
        by_group = cache(lambda group: read_regions(focus / f"{group}.json" if focus.is_dir() else focus))
        return tuple(replace(image, regions=by_group(image.group)) for image in images)
    if focus == REGION_LABEL:
        return _shared_in_groups(images)
    return images


def _shared_in_groups(images: Sequence[LabelledImage]) -> Sequence[LabelledImage]:
    drawn: dict[str, tuple[Polygon, ...]] = {}
    for image in images:
        drawn[image.group] = drawn.get(image.group, ()) + image.regions
    without = [group for group, regions in drawn.items() if not regions]
    if without:
        raise SagesegError(
            f"--focus {REGION_LABEL}: no image of group {name_first(without)} has a shape labelled {REGION}; draw one, "
            "or pass a JSON file with it"
        )
    return tuple(replace(image, regions=image.regions or drawn[image.group]) for image in images)


def read_regions(path: Path) -> tuple[Polygon, ...]:
    """The polygons and rectangles labelled `__region__` in a JSON file as labelme writes it."""
    try:
        content = parse_json(read_text(path, f"JSON of labelme with a shape labelled {REGION}"), any_number=True)
        check_type(content, _Content)
    except ValueError as e:
        raise SagesegError(
            f'{path}: not the JSON of labelme ({e}); expected {{"shapes": [{{"label": "{REGION}", "points": …}}]}}'
        ) from e
    shapes = enumerate(content["shapes"])
    drawn = [(f"{path}: shapes[{i}]", shape) for i, shape in shapes if shape.get("label") == REGION]
    if not drawn:
        raise SagesegError(f"{path}: no shape is labelled {REGION}; draw a polygon or rectangle with that label")
    return tuple(_parse_region(shape, where) for where, shape in drawn)


def _parse_region(shape: dict[str, Any], where: str) -> Polygon:
    try:
        points = tuple((float(x), float(y)) for x, y in shape["points"])
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise SagesegError(f"{where}: points must be pairs of numbers, such as [[0, 0], [9, 0], [9, 9]]") from e
    if not all(math.isfinite(value) and abs(value) <= _FARTHEST for point in points for value in point):
        raise SagesegError(f"{where}: a point is not finite or lies over {_FARTHEST:,.0f} pixels away; draw it again")
    kind = shape.get("shape_type") or "polygon"
    return region_of(kind if isinstance(kind, str) else short(kind), points, where)


def region_of(kind: str, points: Polygon, where: str) -> Polygon:
    """The polygon of one of labelme's shapes: a polygon, or a rectangle by two corners or by four.
    `where` begins the message of the SagesegError that any other shape raises."""
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        return ((left, top), (right, top), (right, bottom), (left, bottom))
    if kind in ("polygon", "rectangle") and len(points) >= 3:
        return points
    raise SagesegError(f"{where}: {kind} of {len(points)} points; a region is a polygon or a rectangle")


def draw_regions(regions: Iterable[Polygon], size: tuple[int, int], scale: tuple[float, float]) -> Mask:
    """The regions as ones on a canvas of `size` (width, height), their coordinates times `scale`."""
    canvas = Image.new("L", size)
    pen = ImageDraw.Draw(canvas)
    for region in regions:
        pen.polygon([(x * scale[0], y * scale[1]) for x, y in region], fill=1)
    return np.asarray(canvas)

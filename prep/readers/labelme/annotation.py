"""One JSON file of labelme, checked at the border: what is wrong is named with its place.

Every version since 2017 is read: without `version`, `shape_type`, `flags` or sizes, with the
colours that versions before 4 kept, with `imageData` null, empty or embedded.
"""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.errors import SagesegError, for_all
from formats.images import open_header
from formats.prepared.source_names import composed
from formats.texts.given_files import read_text
from formats.texts.json_text import parse_json
from formats.texts.typed_json import short
from prep.readers.labelled_image import REGION

Point = tuple[float, float]
Patch = npt.NDArray[np.bool_]
"""The pixels of a mask shape inside its corners, shape (height, width)."""

POINTS_OF_KIND = {
    "polygon": (3, None),
    "rectangle": (2, 2),
    "oriented_rectangle": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, None),
    "point": (1, 1),
    "points": (1, None),
    "mask": (2, 2),
}
"""The fewest and the most points of each shape type; None is no limit."""
_FARTHEST = 1e6
"""Coordinates beyond are a mistake, and would overflow when drawn."""
_LARGEST_RADIUS = 1e5
"""Of a circle, in pixels: Pillow takes minutes for one of a few times this, whatever is seen of it."""
_CORNERED = ("rectangle", "oriented_rectangle")
_SAME_KINDS = {"rotation": "oriented_rectangle", "quadrilateral": "polygon"}
"""What X-AnyLabeling calls shape types in its files, which are labelme's else."""
_UPRIGHT_WITHIN = 1e-3
"""How far, in pixels, the corners of a box may be from upright: what rounding leaves."""
_FILE = "a JSON file that labelme wrote"
_EXPECTED = f"expected {_FILE}"


@dataclass(frozen=True, eq=False)
class Shape:
    """One shape: its label in one spelling (`composed`), labelme's shape type, its points (x, y) in pixels
    of the image, and the patch of a mask. `where` names it in messages."""

    where: str
    label: str
    kind: str
    points: tuple[Point, ...]
    patch: Patch | None = None


@dataclass(frozen=True, eq=False)
class Annotation:
    """What a JSON file says. `image_path` has `/`, None where the file names none; `image_data` is
    the embedded image in base64; `size` is (width, height) where the file says it; `version` is
    labelme's, () before it was written."""

    path: Path
    version: tuple[int, ...]
    image_path: str | None
    image_data: str | None
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]


def read_annotation(path: Path) -> Annotation:
    """Read and check one file. Raises SagesegError that names the file, the shape and the value."""
    content = read_json(path)
    shapes = content.get("shapes")
    if not isinstance(shapes, list):
        raise SagesegError(f'{path}: "shapes" is missing or no list; {_EXPECTED}, move other JSON files away')
    name = content.get("imagePath") or None
    data = content.get("imageData") or None
    for key, value in (("imagePath", name), ("imageData", data)):
        if not isinstance(value, str | None):
            raise SagesegError(f"{path}: {key} is {short(value)}; expected text")
    return Annotation(
        path=path,
        version=_version(content.get("version")),
        image_path=PureWindowsPath(name).as_posix() if name else None,
        image_data=data,
        size=_size(content, path),
        shapes=tuple(for_all(lambda own: _shape(own[1], f"{path}: shapes[{own[0]}]"), enumerate(shapes))),
    )


def find_labels(path: Path) -> list[tuple[str, str]]:
    """The label and place of each object that has one, also of a file that `read_annotation` refuses: none of what is
    no JSON."""
    shapes: object = None
    with suppress(SagesegError):
        shapes = read_json(path).get("shapes")
    given = shapes if isinstance(shapes, list) else []
    raw = [shape.get("label") if isinstance(shape, dict) else None for shape in given]
    labels = [(number, composed(label)) for number, label in enumerate(raw) if isinstance(label, str)]
    return [(label, f"{path}: shapes[{number}] ({label})") for number, label in labels if label != REGION]


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, f"{_FILE} (before 4.4 it wrote the encoding of Windows)"), any_number=True)
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); {_EXPECTED}, or remove the file") from e
    if not isinstance(content, dict):
        raise SagesegError(f"{path}: not an object; {_EXPECTED}")
    return content


def _version(text: object) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", text)[:3]) if isinstance(text, str) else ()


def _size(content: dict[str, Any], path: Path) -> tuple[int, int] | None:
    width, height = content.get("imageWidth"), content.get("imageHeight")
    if width is None or height is None:
        return None
    sides = [_whole(side) for side in (width, height)]
    if not sides[0] or not sides[1]:
        told = f"{short(width)} × {short(height)}"
        raise SagesegError(
            f"{path}: imageWidth × imageHeight is {told}; expected whole numbers of pixels: correct them, or write null"
        )
    return sides[0], sides[1]


def _whole(side: object) -> int | None:
    """160, and 160.0 as some programs write it; None for what is no size."""
    whole = isinstance(side, float) and side.is_integer()
    return int(side) if isinstance(side, (int, float)) and (whole or type(side) is int) and side > 0 else None


def _shape(raw: object, where: str) -> Shape:
    if not isinstance(raw, dict) or not isinstance(raw.get("label"), str):
        raise SagesegError(f'{where}: expected an object with a "label"; {_EXPECTED}')
    label, kind = composed(raw["label"]), raw.get("shape_type") or "polygon"
    if not label.strip() or len(label.splitlines()) > 1:
        raise SagesegError(f"{where}: its label is {short(label)}; expected one line of text: rename it in labelme")
    where = f"{where} ({label})"
    kind = _SAME_KINDS.get(kind, kind) if isinstance(kind, str) else kind
    if not isinstance(kind, str) or kind not in POINTS_OF_KIND:
        raise SagesegError(
            f"{where}: shape_type is {short(kind)}; expected one of {', '.join(POINTS_OF_KIND)}: convert such shapes "
            "in the program that drew them, or delete them"
        )
    points = _points(raw.get("points"), where)
    if kind in _CORNERED and len(points) == 5 and points[0] == points[4]:  # a ring that ends where it began
        points = points[:4]
    if kind == "rectangle" and len(points) == 4:
        points = _box(points, where)
    fewest, most = POINTS_OF_KIND[kind]
    if len(points) < fewest or (most is not None and len(points) > most):
        wanted = f"exactly {fewest}" if most else f"at least {fewest}"
        raise SagesegError(
            f"{where}: {kind} of {len(points)} points; expected {wanted}: draw it again in labelme, or delete it"
        )
    if kind == "circle" and math.dist(*points) > _LARGEST_RADIUS:
        radius = f"{math.dist(*points):,.0f} pixels; expected {_LARGEST_RADIUS:,.0f} at most"
        raise SagesegError(f"{where}: a circle of a radius of {radius}: draw it again in labelme")
    return Shape(where, label, kind, points, _patch(raw.get("mask"), where) if kind == "mask" else None)


def _box(corners: tuple[Point, ...], where: str) -> tuple[Point, Point]:
    """Two corners of an upright box given by four, as X-AnyLabeling writes it."""
    (left, right), (top, bottom) = ((min(sides), max(sides)) for sides in zip(*corners, strict=True))
    box = {(left, top), (right, top), (right, bottom), (left, bottom)}
    near = {min(box, key=lambda own: math.dist(own, corner)) for corner in corners}
    if near != box or any(min(math.dist(own, corner) for own in box) > _UPRIGHT_WITHIN for corner in corners):
        raise SagesegError(
            f"{where}: a rectangle whose four corners are no upright box; where it is tilted, write "
            '"shape_type": "rotation" (or "polygon") in its place, in all such files'
        )
    return (left, top), (right, bottom)


def _points(raw: object, where: str) -> tuple[Point, ...]:
    try:
        points = tuple((float(x), float(y)) for x, y in raw)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError) as e:
        raise SagesegError(f"{where}: points are {short(raw)}; expected pairs of numbers, [[x, y], …]") from e
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) <= _FARTHEST):
            raise SagesegError(
                f"{where}: point ({x:g}, {y:g}) is not finite or over {_FARTHEST:,.0f} pixels away; "
                "draw the shape again in labelme"
            )
    return points


def _patch(encoded: object, where: str) -> Patch:
    try:
        if not isinstance(encoded, str):
            raise ValueError("it is missing")  # noqa: TRY004, TRY301
        with open_header(b64decode(encoded, validate=True)) as image:
            patch: Patch = np.asarray(image) != 0
        if patch.ndim != 2:
            raise ValueError(f"{image.mode}, expected one channel")  # noqa: TRY301
    except (ValueError, OSError, SyntaxError, binascii.Error, Image.DecompressionBombError) as e:
        raise SagesegError(f"{where}: its mask cannot be read ({e}); expected a PNG in base64") from e
    return patch

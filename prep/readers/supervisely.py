"""Supervisely's projects: meta.json, and in each dataset `img` and `ann`, a JSON file for each image.

Polygons are filled as Supervisely's SDK fills them: points of whole pixels by OpenCV, then the interiors taken out. A
bitmap is a PNG, packed by zlib and base64, whose set pixels (of four channels the last) lie from `origin` on.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from formats.errors import SagesegError
from formats.images import open_header
from formats.parallel import map_parallel
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.drawn import DrawnMask, drawn_image
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.annotations.opencv_fill import Points, filled_region
from prep.readers.labelled_image import LabelledImage, Source, count_left_out
from prep.readers.source_files import find_spelled, read_text

_DRAWN = ("polygon", "bitmap", "rectangle")
_LARGEST = 2**28
"""Bytes that a packed bitmap may unfold to; a PNG of one bit of a 4K frame has a fortieth of a hundredth."""


@dataclass(frozen=True)
class SuperviselyMask(DrawnMask):
    """The objects of one annotation file. `ids` are the class ids of its titles."""

    named: NamedClasses

    def regions(self) -> list[Region]:
        objects = enumerate(_read(self.path)["objects"])
        return [self._region(each, f"{self.path}: objects[{n}]") for n, each in objects if _kind(each) in _DRAWN]

    def _region(self, each: dict[str, Any], place: str) -> Region:
        class_id = self.named.id_of(str(each.get("classTitle")), place)
        try:
            if _kind(each) == "bitmap":
                return _bitmap(each["bitmap"], class_id)
            exterior, interior = (each["points"].get(key) or [] for key in ("exterior", "interior"))
            if _kind(each) == "rectangle":
                (left, top), (right, bottom) = exterior
                exterior = [[left, top], [right, top], [right, bottom], [left, bottom]]
            return filled_region(_points(exterior), [_points(hole) for hole in interior], class_id, self.size)
        except (KeyError, TypeError, ValueError, OSError, zlib.error, binascii.Error) as e:
            raise SagesegError(f"{place}: no {_kind(each)} of Supervisely ({type(e).__name__}: {e})") from e


def _kind(each: dict[str, Any]) -> str:
    """Projects before 2019 name no geometry."""
    bitmap = isinstance(each.get("bitmap"), dict) and each["bitmap"].get("data")
    return str(each.get("geometryType") or ("bitmap" if bitmap else "polygon"))


def _points(pairs: list[Any]) -> Points:
    points = np.array(pairs, np.int64).reshape(-1, 2).astype(np.int32)
    if len(points) < 3:
        raise ValueError(f"{len(points)} points, expected three or more")
    return points


def _bitmap(bitmap: dict[str, Any], class_id: int) -> Region:
    left, top = (int(side) for side in bitmap["origin"])
    packed = base64.b64decode(bitmap["data"], validate=True)
    with open_header(_unpacked(packed)) as image:
        channel = image.getchannel(image.getbands()[-1])
    return Region(class_id, left, top, np.asarray(channel).astype(np.bool_))


def _unpacked(packed: bytes) -> bytes:
    if packed.startswith(b"\x89PNG"):  # newer projects do not pack what is packed
        return packed
    unpack = zlib.decompressobj()
    content = unpack.decompress(packed, _LARGEST)
    if not unpack.eof:
        raise ValueError("a bitmap that is cut short, or too large")
    return content


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, "a JSON file of Supervisely"))
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); export it again") from e
    objects = content.get("objects") if isinstance(content, dict) else None
    size = content.get("size") if isinstance(content, dict) else None
    whole = isinstance(objects, list) and all(isinstance(each, dict) for each in objects)
    if not whole or not isinstance(size, dict) or not all(isinstance(size.get(k), int) for k in ("width", "height")):
        raise SagesegError(f"{path}: expected an annotation of Supervisely, with size and objects")
    return dict(content)


def read_supervisely(
    project: Path,
    labels: Path | None = None,
    *,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read a project folder. Shapes without an area, such as points, are left out and counted by their kinds.

    Raises SagesegError that names file and object.
    """
    meta = project / "meta.json"
    if not meta.is_file():
        raise SagesegError(f"{meta}: not found; expected a project of Supervisely, with meta.json")
    try:
        titles = [str(each["title"]) for each in json.loads(read_text(meta, "Supervisely's classes"))["classes"]]
    except (ValueError, KeyError, TypeError) as e:
        raise SagesegError(f"{meta}: no classes with titles in it ({e}); export the project again") from e
    files = sorted(path for path in project.rglob("*.json") if path.parent.name == "ann")
    if not files:
        raise SagesegError(f"{project}: no ann/<image>.json in it; export the project with its annotations")
    named = name_classes(titles, str(meta), labels=labels, background=background)
    scan = partial(_scan, project=project, named=named, group_by=group_by)
    scanned = list(map_parallel(scan, files, workers=workers, label="annotations"))
    images = sorted((image for image, _ in scanned), key=lambda image: image.source)
    left_out = count_left_out((f"shapes of kind {kind}", image.mask.path) for image, own in scanned for kind in own)
    tell_overlaps(overlaps_in(images), "the later object")
    tell_lone_groups(images, group_by)
    return Source("supervisely", named.classes, tuple(images), left_out=left_out)


def _scan(
    path: Path, *, project: Path, named: NamedClasses, group_by: re.Pattern[str] | None
) -> tuple[LabelledImage, list[str]]:
    content = _read(path)
    image = find_spelled(path.parent.parent / "img" / path.stem)
    if image is None:
        raise SagesegError(f"{path}: no image {path.stem} in {path.parent.parent / 'img'}; export it with its images")
    size = content["size"]["width"], content["size"]["height"]
    mask = SuperviselyMask(path, size, named)
    source = image.relative_to(project).as_posix().replace("/img/", "/").removeprefix("img/")
    kinds = [_kind(each) for each in content["objects"] if _kind(each) not in _DRAWN]
    return replace(drawn_image(mask, image, source, group_by), own_group=None), kinds

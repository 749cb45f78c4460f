"""Supervisely's projects: meta.json, and in each dataset `img` and `ann`, a JSON file for each image.

Polygons are filled as Supervisely's SDK fills them: points of whole pixels by OpenCV, then the interiors taken out. A
bitmap is a PNG, packed by zlib and base64, that lies from `origin` on; what is set its alpha says, where it has one.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NotRequired, TypedDict

import numpy as np

from formats import limits
from formats.console import say
from formats.errors import SagesegError, for_all
from formats.images import IMAGE_SUFFIXES, open_header
from formats.parallel import map_all
from formats.prepared.groups import group_of_path
from formats.prepared.image_folder import files_with
from formats.texts.given_files import read_text
from formats.texts.json_text import parse_json
from formats.texts.typed_json import check_type
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import NamedClasses, name_classes
from prep.readers.annotations.drawn import UNSEEN, DrawnMask, drawn_image
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.annotations.opencv_fill import Points, filled_region
from prep.readers.labelled_image import REGION, LabelledImage, Polygon, Source, count_left_out, leave_out
from prep.readers.orientation import check_drawn_size
from prep.readers.source_files import check_folder, find_spelled
from prep.remote.awaited import NOTHING_AWAITED, Awaited

_PROJECT = "a project of Supervisely"
_BARE = "images without an annotation file"
_DRAWN = ("polygon", "bitmap", "rectangle")
_ANY = "any"
"""What a class takes that takes shapes of all kinds."""
_FARTHEST = 1_000_000
"""Coordinates beyond are a mistake, and would overflow when drawn."""


class _Size(TypedDict):
    width: int
    height: int


class _Object(TypedDict):
    """One of any kind. Projects before 2019 name no geometry."""

    classTitle: str
    geometryType: NotRequired[str | None]
    tags: NotRequired[list[Any] | None]


class _Annotation(TypedDict):
    size: _Size
    objects: list[_Object]
    tags: NotRequired[list[Any] | None]


class _Outline(TypedDict):
    exterior: NotRequired[list[Any] | None]
    interior: NotRequired[list[Any] | None]


class _Outlined(TypedDict):
    """A polygon or a rectangle."""

    points: _Outline


class _Class(TypedDict):
    title: str
    shape: NotRequired[str | None]


class _Meta(TypedDict):
    classes: list[_Class]


@dataclass(frozen=True)
class SuperviselyMask(DrawnMask):
    """The objects of one annotation file. `ids` are the class ids of its titles."""

    named: NamedClasses

    def regions(self) -> list[Region]:
        found = [(each, place) for each, place in self._objects() if each.get("classTitle") != REGION]
        return for_all(lambda one: self._region(*one), found)

    def focus(self) -> tuple[Polygon, ...]:
        """The objects of the class __region__, by their outlines."""
        return tuple(self._outline(each, place) for each, place in self._objects() if each.get("classTitle") == REGION)

    def _objects(self) -> Iterator[tuple[dict[str, Any], str]]:
        """The objects that have an area, with their places."""
        for number, each in enumerate(_read(self.path)["objects"]):
            if _kind(each) in _DRAWN:
                yield each, f"{self.path}: objects[{number}]"

    def _region(self, each: dict[str, Any], place: str) -> Region:
        class_id = self.named.id_of(str(each.get("classTitle")), place)
        with _object_errors(each, place):
            if _kind(each) == "bitmap":
                return _bitmap(each["bitmap"], class_id)
            check_type(each, _Outlined)
            interior = each["points"].get("interior") or []
            return filled_region(_exterior(each), [_points(hole) for hole in interior], class_id, self.size)

    def _outline(self, each: dict[str, Any], place: str) -> Polygon:
        if _kind(each) == "bitmap":
            raise SagesegError(f"{place}: a region to look at is a polygon or a rectangle, no bitmap; draw it as one")
        with _object_errors(each, place):
            check_type(each, _Outlined)
            return tuple((float(x), float(y)) for x, y in _exterior(each))


@contextmanager
def _object_errors(each: dict[str, Any], place: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, OSError, OverflowError, zlib.error, binascii.Error) as e:
        raise SagesegError(f"{place}: no {_kind(each)} of Supervisely ({type(e).__name__}: {e})") from e


def _kind(each: dict[str, Any]) -> str:
    """Projects before 2019 name no geometry."""
    bitmap = isinstance(each.get("bitmap"), dict) and each["bitmap"].get("data")
    return str(each.get("geometryType") or ("bitmap" if bitmap else "polygon"))


def _exterior(each: dict[str, Any]) -> Points:
    exterior = each["points"].get("exterior") or []
    if _kind(each) == "rectangle":
        (left, right), (top, bottom) = ((min(sides), max(sides)) for sides in zip(*exterior, strict=True))
        box = [[left, top], [right, top], [right, bottom], [left, bottom]]
        if len(exterior) != 2 and sorted(exterior) != sorted(box):
            raise ValueError(f"{len(exterior)} points, expected two corners, or the four of an upright box")
        exterior = box
    return _points(exterior)


def _points(pairs: list[Any]) -> Points:
    """Points cut to whole pixels, as the SDK cuts them."""
    points = np.array(pairs, np.float64).reshape(-1, 2)
    if len(points) < 3:
        raise ValueError(f"{len(points)} points, expected three or more")
    if not (np.abs(points) <= _FARTHEST).all():
        raise ValueError(f"a point that is no finite number, or lies over {_FARTHEST:,} pixels away")
    return points.astype(np.int32)


def _bitmap(bitmap: dict[str, Any], class_id: int) -> Region:
    left, top = (int(side) for side in bitmap["origin"])
    packed = base64.b64decode(bitmap["data"], validate=True)
    with open_header(_unpacked(packed)) as image:
        if not (image.has_transparency_data or image.mode in ("1", "L")):
            raise ValueError(f"a bitmap of mode {image.mode} without transparency")
        values = image.convert("RGBA").getchannel("A") if image.has_transparency_data else image
        return Region(class_id, left, top, np.asarray(values).astype(np.bool_))


def _unpacked(packed: bytes) -> bytes:
    if packed.startswith(b"\x89PNG"):  # newer projects do not pack what is packed
        return packed
    unpack = zlib.decompressobj()
    content = unpack.decompress(packed, limits.MOST_BITMAP)
    if not unpack.eof:
        raise ValueError("a bitmap that is cut short, or too large")
    return content


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, "a JSON file of Supervisely"), any_number=True)
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); export it again") from e
    try:
        check_type(content, _Annotation)
    except ValueError as e:
        raise SagesegError(
            f"{path}: {e}, in an annotation of Supervisely, which has size and objects; export it again"
        ) from e
    return dict(content)


def read_supervisely(
    project: Path,
    labels: Path | None = None,
    *,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
    awaited: Awaited = NOTHING_AWAITED,
) -> Source:
    """Read a project folder. Shapes without an area, such as points, are left out and counted by their kinds. The sizes
    of images that are awaited are looked at when they are fetched.

    Raises SagesegError that names file and object.
    """
    titles = _titles(project)
    annotations = [path for path in files_with(project, frozenset({".json"}), deep=True) if path.parent.name == "ann"]
    if not annotations:
        raise SagesegError(f"{project}: no ann/<image>.json in it; export the project with its annotations")
    pairs, lone = _pair(project, annotations)
    named = name_classes(titles, str(project / "meta.json"), labels=labels, background=background)
    # of one dataset alone its folder says nothing of what belongs together
    is_one = len({path.parent for path, _ in pairs}) == 1
    scan = partial(_scan, project=project, is_one=is_one, named=named, group_by=group_by)
    tasks = [(path, image, awaited.told(image) is None) for path, image in pairs]
    scanned = list(map_all(scan, tasks, workers=workers, label="annotations"))
    images = sorted((image for image, _ in scanned), key=lambda image: image.source)
    tell_overlaps(overlaps_in(images), "the later object")
    tell_lone_groups(images, group_by)
    not_drawn = count_left_out((reason, image.mask.path) for image, own in scanned for reason in own.elements())
    left_out = (*not_drawn, *leave_out(_BARE, lone))
    return Source("supervisely", named.classes, tuple(images), left_out=left_out)


def _titles(project: Path) -> list[str]:
    check_folder(project, _PROJECT)
    meta = project / "meta.json"
    if not meta.is_file():
        above = f": give {project.parent}" if (project.parent / "meta.json").is_file() else ""
        raise SagesegError(f"{meta}: not found; expected {_PROJECT}, with meta.json{above}")
    try:
        content = parse_json(read_text(meta, "Supervisely's classes"))
        check_type(content, _Meta)
    except ValueError as e:
        raise SagesegError(f"{meta}: no classes with titles in it ({e}); export the project again") from e
    shapes = {each["title"]: each.get("shape") for each in content["classes"]}
    others = [title for title, shape in shapes.items() if shape not in (None, _ANY, *_DRAWN)]
    if others:
        say(f"note: {meta}: classes of shapes that are not drawn are none: {', '.join(others)}")
    return [each["title"] for each in content["classes"] if each["title"] not in others]


def _pair(project: Path, annotations: list[Path]) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """The annotation files with their images, and the images that have none. Raises SagesegError for a file without
    image, and for two of one."""
    images = [path for path in files_with(project, IMAGE_SUFFIXES, deep=True) if path.parent.name == "img"]
    by_stem: dict[Path, list[Path]] = defaultdict(list)
    for image in images:
        by_stem[image.with_suffix("")].append(image)
    of_image: dict[Path, Path] = {}

    def note(path: Path) -> None:
        told = path.parent.parent / "img" / path.stem
        # projects of old name the file by the image's stem
        candidates = [found] if (found := find_spelled(told)) else by_stem[told]
        if len(candidates) != 1:
            there = f"both {candidates[0].name} and {candidates[1].name}" if candidates else f"no image {path.stem}"
            raise SagesegError(f"{path}: {there} in {told.parent}; export it with its images")
        other = of_image.setdefault(candidates[0], path)
        if other != path:
            raise SagesegError(f"{other} and {path}: both are of {candidates[0].name}; remove one of them")

    for_all(note, annotations)
    return [(path, image) for image, path in of_image.items()], [image for image in images if image not in of_image]


def _scan(
    task: tuple[Path, Path, bool], *, project: Path, is_one: bool, named: NamedClasses, group_by: re.Pattern[str] | None
) -> tuple[LabelledImage, Counter[str]]:
    """The record of an image, and how many of its objects, by reason, are not drawn."""
    path, image, is_here = task
    content = _read(path)
    size = content["size"]["width"], content["size"]["height"]
    if is_here:
        check_drawn_size(path, size, image)
    mask = SuperviselyMask(path, size, named)
    below = image.relative_to(project)
    source = Path(*below.parent.parent.parts, below.name).as_posix()
    group = group_of_path(PurePosixPath(image.name if is_one else source).with_suffix(""), group_by)
    reasons = Counter(f"shapes of kind {_kind(each)}" for each in content["objects"] if _kind(each) not in _DRAWN)
    reasons["tags"] += sum(len(each.get("tags") or ()) for each in (content, *content["objects"]))
    record, reasons[UNSEEN] = drawn_image(mask, image, source, None)
    return replace(record, group=group, own_group=None, regions=mask.focus()), +reasons

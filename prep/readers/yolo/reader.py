"""YOLO's text files, read and drawn.

Polygons are filled as Ultralytics fills them, whose format it is: points cut to whole pixels, the outline included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from formats.console import say
from formats.errors import SagesegError
from formats.images import read_header
from formats.parallel import map_parallel
from formats.prepared.groups import shared_group
from formats.prepared.image_folder import FoundImage, open_image_folder
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import name_classes
from prep.readers.annotations.drawn import DrawnMask, drawn_image
from prep.readers.annotations.notes import overlaps_in, tell_overlaps
from prep.readers.annotations.opencv_fill import filled_region
from prep.readers.labelled_image import LabelledImage, Source, leave_out
from prep.readers.source_files import read_text
from prep.readers.splits import image_groups, splits_of_groups
from prep.readers.yolo.layout import find_layout, text_file

_NUMBERS_OF_BOX, _LEAST_NUMBERS = 5, 7
"""Class, centre, width and height; class and three points."""
_BEYOND = 0.01
"""Ultralytics takes a hundredth of the side beyond the edge for the edge."""
_BOXES = "boxes, which have no outline"


@dataclass(frozen=True)
class YoloMask(DrawnMask):
    """The rows of one text file; an image without one shows nothing. `ids` are the class ids of YOLO's numbers."""

    ids: tuple[int, ...]

    def regions(self) -> list[Region]:
        rows = ((line, row) for line, row in self.rows() if len(row) != _NUMBERS_OF_BOX)
        return [self._region(row, f"{self.path}: line {line}") for line, row in rows]

    def rows(self) -> Iterator[tuple[int, list[float]]]:
        """Each row that is not empty, with the number of its line; none where there is no file."""
        text = read_text(self.path, "rows of a class and a polygon") if self.path.exists() else ""
        for line, words in enumerate(map(str.split, text.splitlines()), start=1):
            try:
                row = [float(word) for word in words]
            except ValueError as e:
                raise SagesegError(f"{self.path}: line {line}: {e}; expected numbers alone") from e
            if row:
                yield line, row

    def _region(self, row: list[float], place: str) -> Region:
        if len(row) < _LEAST_NUMBERS or len(row) % 2 == 0:
            raise SagesegError(f"{place}: {len(row)} numbers; expected a class, and x and y of three points or more")
        if not (row[0].is_integer() and 0 <= row[0] < len(self.ids)):
            raise SagesegError(f"{place}: class {row[0]:g} is none of the {len(self.ids)}, counted from 0")
        if not all(-_BEYOND <= share <= 1 + _BEYOND for share in row[1:]):
            raise SagesegError(f"{place}: a point outside of the image; expected shares of its sides, from 0 to 1")
        shares = np.array(row[1:], np.float32).reshape(-1, 2).clip(0, 1)
        points = (shares * np.array(self.size, np.float32)).astype(np.int32)
        return filled_region(points, (), self.ids[int(row[0])], self.size)


def read_yolo(
    root: Path,
    labels: Path | None = None,
    *,
    background: str | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read a folder with data.yaml, whose folders are the split, or with `images` and `labels`.

    Raises SagesegError that names file and line of what is no polygon of a class.
    """
    layout = find_layout(root)
    named = name_classes(layout.names, layout.where, labels=labels, background=background)
    ids = tuple(named.id_of(name, layout.where) for name in layout.names or named.classes.names[1:])
    found = [_Found(split, each) for split, folder in layout.folders for each in open_image_folder(folder).images]
    scan = partial(_scan, root=root, ids=ids)
    scanned = list(map_parallel(scan, found, workers=workers, label="labels"))
    places = {one.source: each for (one, _), each in zip(scanned, found, strict=True)}
    splits = {source: each.split for source, each in places.items() if each.split}
    groups = image_groups({source: each.key.as_posix() for source, each in places.items()}, splits, group_by)
    images = sorted((replace(one, group=groups[one.source]) for one, _ in scanned), key=lambda one: one.source)
    tell_overlaps(overlaps_in(images), "the later row")
    _tell_empty([each.image.path for each in found if not text_file(each.image.path).is_file()])
    boxes = [one.mask.path for one, count in scanned for _ in range(count)]
    splits_found = splits_of_groups(splits, groups)
    return Source("yolo", named.classes, tuple(images), splits_found, left_out=leave_out(_BOXES, boxes))


@dataclass(frozen=True)
class _Found:
    """An image of a folder of a split, '' where nothing tells one."""

    split: str
    image: FoundImage

    @property
    def key(self) -> PurePosixPath:
        """Its path below the folder of its split, without suffix."""
        return PurePosixPath(self.image.source).with_suffix("")


def _scan(found: _Found, *, root: Path, ids: tuple[int, ...]) -> tuple[LabelledImage, int]:
    """The record of an image, and how many rows are boxes. Shares are of the image as it is seen."""
    path = found.image.path
    mask = YoloMask(text_file(path), read_header(path).size, ids)
    boxes = sum(len(row) == _NUMBERS_OF_BOX for _, row in mask.rows())
    image = drawn_image(mask, path, path.relative_to(root).as_posix(), None)
    return replace(image, own_group=shared_group(found.key), oriented=True), boxes


def _tell_empty(images: Sequence[Path]) -> None:
    if images:
        say(f"note: {len(images)} image(s) have no text file, so they show nothing, such as {images[0]}")

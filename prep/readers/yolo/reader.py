"""YOLO's text files, read and drawn.

Polygons are filled as Ultralytics fills them, whose format it is: points cut to whole pixels, the outline included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from formats.console import say
from formats.errors import AlikeError, SagesegError, for_all
from formats.images import read_header
from formats.parallel import map_all
from formats.prepared.groups import shared_group
from formats.texts.given_files import read_text
from prep.readers.annotations.canvas import Region
from prep.readers.annotations.class_names import name_classes
from prep.readers.annotations.drawn import UNSEEN, DrawnMask, drawn_image
from prep.readers.annotations.notes import overlaps_in, tell_lone_groups, tell_overlaps
from prep.readers.annotations.opencv_fill import filled_region
from prep.readers.labelled_image import REGION, LabelledImage, Polygon, Source, leave_out
from prep.readers.splits import image_groups, splits_of_groups
from prep.readers.yolo.images import YoloImage, find_images
from prep.readers.yolo.layout import find_layout

_NUMBERS_OF_BOX, _LEAST_NUMBERS = 5, 7
"""Class, centre, width and height; class and three points."""
_BEYOND = 0.01
"""Ultralytics takes a hundredth of the side beyond the edge for the edge."""
_BOXES = "boxes, which have no outline"
Shares = npt.NDArray[np.float32]
"""x and y of each point in shares of the image's sides, shape (n, 2)."""


@dataclass(frozen=True)
class YoloMask(DrawnMask):
    """The rows of one text file; an image without one shows nothing. `ids` are the class ids of YOLO's numbers,
    None of __region__."""

    ids: tuple[int | None, ...]

    def regions(self) -> list[Region]:
        return [
            filled_region((shares * np.array(self.size, np.float32)).astype(np.int32), (), class_id, self.size)
            for class_id, shares in self._polygons()
            if class_id is not None
        ]

    def focus(self) -> tuple[Polygon, ...]:
        """The polygons of the class __region__, in pixels."""
        return tuple(
            tuple((float(x), float(y)) for x, y in shares * self.size)
            for class_id, shares in self._polygons()
            if class_id is None
        )

    def _polygons(self) -> list[tuple[int | None, Shares]]:
        rows = [(row, f"{self.path}: line {line}") for line, row in self.rows() if len(row) != _NUMBERS_OF_BOX]
        return for_all(lambda one: self._polygon(*one), rows)

    def rows(self) -> list[tuple[int, list[float]]]:
        """Each row that is not empty, with the number of its line; none where there is no file."""
        text = read_text(self.path, "rows of a class and a polygon") if self.path.exists() else ""
        found = for_all(self._row, enumerate(map(str.split, text.splitlines()), start=1))
        return [(line, row) for line, row in found if row]

    def _row(self, line: tuple[int, list[str]]) -> tuple[int, list[float]]:
        number, words = line
        try:
            return number, [float(word) for word in words]
        except ValueError as e:
            word = str(e).rpartition(": ")[2]
            raise SagesegError(f"{self.path}: line {number}: {word} is no number; expected numbers alone") from e

    def _polygon(self, row: list[float], place: str) -> tuple[int | None, Shares]:
        if len(row) < _LEAST_NUMBERS or len(row) % 2 == 0:
            raise SagesegError(f"{place}: {len(row)} numbers; expected a class, and x and y of three points or more")
        if not (row[0].is_integer() and 0 <= row[0] < len(self.ids)):
            what = f"class {row[0]:g}"
            raise AlikeError(place, what, f"{what} is none of the {len(self.ids)}, counted from 0; correct it")
        if not all(-_BEYOND <= share <= 1 + _BEYOND for share in row[1:]):
            raise SagesegError(f"{place}: a point outside of the image; expected shares of its sides, from 0 to 1")
        return self.ids[int(row[0])], np.array(row[1:], np.float32).reshape(-1, 2).clip(0, 1)


def read_yolo(
    root: Path,
    labels: Path | None = None,
    *,
    images: Path | None = None,
    background: str | None = None,
    skip_missing: bool = False,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read a folder with data.yaml, which says the split, or with `images` and `labels`; the images may lie in a
    folder elsewhere, `images`.

    Raises SagesegError that names file and line of what is no polygon of a class.
    """
    layout = find_layout(root, labels, apart=images is not None)
    named = name_classes(layout.names, layout.where, labels=labels, background=background)
    ids = tuple(None if name == REGION else named.id_of(name, layout.where) for name in layout.names)
    found = find_images(layout, root, images, skip_missing=skip_missing)
    scan = partial(_scan, ids=ids)
    scanned = list(map_all(scan, found.images, workers=workers, label="labels"))
    splits = {each.source: each.split for each in found.images if each.split}
    groups = image_groups({each.source: each.key.as_posix() for each in found.images}, splits, group_by)
    grouped = sorted((replace(one, group=groups[one.source]) for one, *_ in scanned), key=lambda one: one.source)
    tell_overlaps(overlaps_in(grouped), "the later row")
    if not splits:
        tell_lone_groups(grouped, group_by)
    _tell_empty([each.path for each in found.images if not each.text.is_file()])
    boxes = [one.mask.path for one, count, _ in scanned for _ in range(count)]
    unseen = [one.mask.path for one, _, count in scanned for _ in range(count)]
    return Source(
        "yolo",
        named.classes,
        tuple(grouped),
        splits_of_groups(splits, groups),
        found.undecided,
        left_out=(*found.left_out, *leave_out(_BOXES, boxes), *leave_out(UNSEEN, unseen)),
    )


def _scan(found: YoloImage, *, ids: tuple[int | None, ...]) -> tuple[LabelledImage, int, int]:
    """The record of an image, how many rows are boxes, and how many cover nothing. Shares are of the image as it is
    seen."""
    mask = YoloMask(found.text, read_header(found.path).size, ids)
    boxes = sum(len(row) == _NUMBERS_OF_BOX for _, row in mask.rows())
    image, unseen = drawn_image(mask, found.path, found.source, None)
    image = replace(image, own_group=shared_group(found.key), oriented=True, regions=mask.focus())
    return image, boxes, unseen


def _tell_empty(images: Sequence[Path]) -> None:
    if images:
        say(f"note: {len(images)} image(s) have no text file, so they show nothing, such as {images[0]}")

"""Predictions as a COCO file: one annotation an object, to correct in other tools and to train on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from analysis.exports.ceiling import require_few
from analysis.exports.coco_shapes import coco_masks, fill, ring, run_length_text, run_lengths
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes, read_clean
from analysis.masks.reading import BACKGROUND_ID
from analysis.masks.sources import Source, plan_sources
from analysis.options import AS_PREDICTED, Cleaning
from formats.classes import ClassTable
from formats.disk.whole_files import staged_file
from formats.errors import SagesegError
from formats.masks import Mask
from formats.objects.labelled import label
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes


@dataclass(frozen=True)
class Shapes:
    """How objects are written: as polygons that stray at most `tolerance` pixels from the edges, or, where that is
    None, as run lengths."""

    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.tolerance is not None and self.tolerance < 0:
            raise SagesegError(f"--tolerance {self.tolerance:g}: expected 0 pixels or more")


@dataclass(frozen=True)
class Exported:
    """`wrong` is the largest number of pixels of an image, `worst`, that COCO's raster makes differ of the polygons
    from the masks that were written."""

    images: int
    objects: int
    changes: Changes
    wrong: int
    worst: str


@dataclass(frozen=True)
class _Encoded:
    """The objects of one image, each JSON without its opening bracket and its ids."""

    objects: list[str]
    wrong: int
    changes: Changes = NO_CHANGES


def export_coco(
    predictions: Predictions,
    out: Path,
    shapes: Shapes = Shapes(),
    *,
    listed: Path | None = None,
    cleaning: Cleaning = AS_PREDICTED,
    most_objects: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Exported:
    """Write one JSON file; what is in it is held of one image at a time.

    Objects are connected pixels, of eight neighbours, of one class. Images are called as the predictions' manifest
    calls their sources. Raises SagesegError where the classes have no names, and for an image with more objects than
    `require_few` takes.
    """
    classes = need_classes(predictions, "COCO")
    coco_masks()  # to say at once that it is missing
    sources = choose_sources(plan_sources(predictions, None), listed)
    work = partial(_encode, predictions.root, len(classes), shapes, cleaning, most_objects)
    encoded = map_all(work, sources, workers=workers, label="coco")
    writing = _Writing(sources, classes)
    with staged_file(out, overwrite=overwrite) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(writing.lines(encoded))
    tell_unpredicted(sources)
    return Exported(len(sources), writing.objects, writing.changes, writing.wrong, writing.worst)


class _Writing:
    """The lines of the file, and what was counted as they went by."""

    def __init__(self, sources: list[Source], classes: ClassTable) -> None:
        self._sources, self._classes = sources, classes
        self.objects = self.wrong = 0
        self.changes = NO_CHANGES
        self.worst = ""

    def lines(self, encoded: Iterator[_Encoded]) -> Iterator[str]:
        yield '{"info": {"description": "predictions, written by sageseg"},\n"licenses": [],\n"categories": [\n'
        yield from _list(_category(class_id, name) for class_id, name in enumerate(self._classes.names))
        yield '],\n"images": [\n'
        yield from _list(_image(number, source) for number, source in enumerate(self._sources, start=1))
        yield '],\n"annotations": [\n'
        yield from _list(self._annotations(encoded))
        yield "]}\n"

    def _annotations(self, encoded: Iterator[_Encoded]) -> Iterator[str]:
        for number, (source, own) in enumerate(zip(self._sources, encoded, strict=True), start=1):
            self.changes += own.changes
            if own.wrong > self.wrong:
                self.wrong, self.worst = own.wrong, source.row.source
            for written in own.objects:
                self.objects += 1
                yield f'{{"id": {self.objects}, "image_id": {number}, {written}'


def _list(items: Iterator[str]) -> Iterator[str]:
    """Items on lines of their own; one without text is none."""
    before = ""
    for item in filter(None, items):
        yield f"{before}{item}"
        before = ",\n"
    yield "\n"


def _category(class_id: int, name: str) -> str:
    if class_id == BACKGROUND_ID:
        return ""
    return json.dumps({"id": class_id, "name": name, "supercategory": ""}, ensure_ascii=False)


def _image(number: int, source: Source) -> str:
    content = {"id": number, "file_name": source.row.source, "width": source.width, "height": source.height}
    return json.dumps(content, ensure_ascii=False)


def _encode(
    root: Path, num_classes: int, shapes: Shapes, cleaning: Cleaning, most_objects: int | None, source: Source
) -> _Encoded:
    mask, changes = read_clean(root, source, num_classes, cleaning)
    require_few(mask, most_objects, source.row.source)
    return replace(encode_mask(mask, shapes), changes=changes)


def encode_mask(mask: Mask, shapes: Shapes) -> _Encoded:
    """The objects of a mask, the largest first, so that a polygon that strays into a smaller neighbour lies below."""
    size = mask.shape[1], mask.shape[0]
    found: list[tuple[int, dict[str, Any]]] = []
    for class_id in (np.flatnonzero(np.bincount(mask.ravel(), minlength=1)[1:]) + 1).tolist():
        objects = label((mask == class_id).view(np.uint8))
        for number, ((left, top, width, height), pixels) in enumerate(
            zip(objects.boxes.tolist(), objects.pixels.tolist(), strict=True), start=1
        ):
            inside = slice(top, top + height), slice(left, left + width)
            flags = objects.labels[inside] == number
            content = {"category_id": class_id, "iscrowd": 0, "area": pixels, "bbox": [left, top, width, height]}
            if shapes.tolerance is None:
                counts = run_length_text(run_lengths(flags, left, top, size), size)
                content["segmentation"] = {"size": [size[1], size[0]], "counts": counts}
            else:
                content["segmentation"] = [ring(flags, left, top, shapes.tolerance).ravel().tolist()]
            found.append((pixels, content))
    found.sort(key=lambda each: -each[0])
    wrong = 0 if shapes.tolerance is None else _difference([content for _, content in found], mask)
    return _Encoded([json.dumps(content)[1:] for _, content in found], wrong)


def _difference(objects: list[dict[str, Any]], mask: Mask) -> int:
    """The pixels of a mask that COCO's raster makes others of its polygons."""
    drawn = np.zeros_like(mask)
    for each in objects:
        left, top, width, height = each["bbox"]  # a whole image for each of many objects would take minutes
        moved = (np.reshape(each["segmentation"][0], (-1, 2)) - (left, top)).ravel().tolist()
        drawn[top : top + height, left : left + width][fill(moved, (width, height))] = each["category_id"]
    return int(np.count_nonzero(drawn != mask))

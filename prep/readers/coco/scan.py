"""One pass over a file's annotations: each is checked, and what the reader must know of all is kept in arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.arrays import Ints
from formats.errors import AlikeError, Faults, raise_all
from formats.parallel import map_all
from prep.readers.annotations.coco_raster import read_runs
from prep.readers.annotations.json_spans import Batch
from prep.readers.coco.document import Document, id_key
from prep.readers.coco.outline import Polygons, RunLengths, box_of, outline_of

OUTLINE, CROWD, BOX, NOTHING, UNSEEN = range(5)
"""What an annotation has: an outline, one of a crowd, a box alone, neither, or an outline that covers no pixel."""
_THIN = 2
"""Pixels: outlines as wide and as high are taken to cover some, which saves drawing them here."""


@dataclass(frozen=True)
class Annotations:
    """The annotations of a file, in its order: of each the index of its image and of its category in the document,
    what it has, its ends, each one pixel farther out (left, top, right, bottom), and the (width, height) of its run
    lengths, 0 where it has none."""

    images: Ints
    categories: Ints
    kinds: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Scanned:
    """The same of a batch, with ids in the place of indices."""

    images: list[str]
    categories: list[str]
    kinds: bytes
    bounds: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.int32]


def scan(documents: Sequence[Document], workers: int | None) -> list[Annotations]:
    """Read every annotation of all documents, on all cores. Raises SagesegError that names the annotation which has no
    image or no category, or whose outline is none."""
    batches = [(number, batch) for number, each in enumerate(documents) for batch in each.parts.batches("annotations")]
    read = map_all(_scan_batch, [batch for _, batch in batches], workers=workers, label="annotations")
    indices = [(_indices(each.images), _indices(each.categories)) for each in documents]
    found: list[list[Annotations]] = [[] for _ in documents]
    faults = Faults()
    for (number, batch), scanned in zip(batches, read, strict=True):
        with faults:
            found[number].append(_indexed(scanned, batch, *indices[number]))
    faults.check()
    return [_joined(parts) for parts in found]


def place_of(batch_path: object, number: int, annotation: Mapping[str, Any]) -> str:
    """How messages call an annotation."""
    own = annotation.get("id")
    return f"{batch_path}: annotations[{number}]" + ("" if own is None else f" (id {own})")


def _scan_batch(batch: Batch) -> _Scanned:
    items = batch.read()
    images, categories, kinds, bounds, sizes = [], [], bytearray(), [], []
    faults = Faults()
    for number, item in enumerate(items, start=batch.first):
        with faults:
            place = place_of(batch.path, number, item)
            images.append(id_key(item.get("image_id"), f"{place}: image_id"))
            categories.append(id_key(item.get("category_id"), f"{place}: category_id"))
            kind, own_bounds, own_size = _look(item, place)
            kinds.append(kind)
            bounds.append(own_bounds)
            sizes.append(own_size)
    faults.check()
    return _Scanned(
        images,
        categories,
        bytes(kinds),
        np.array(bounds, np.float32).reshape(-1, 4),
        np.array(sizes, np.int32).reshape(-1, 2),
    )


def _look(item: Mapping[str, Any], place: str) -> tuple[int, tuple[float, ...], tuple[int, int]]:
    outline = outline_of(item, place)
    kind = CROWD if item.get("iscrowd") in (1, True, "1") else OUTLINE
    if isinstance(outline, RunLengths):
        runs = read_runs(outline.counts, outline.size, place)
        if not runs[1::2].any():
            return UNSEEN, (0, 0, 0, 0), (0, 0)
        return kind, (-1, -1, outline.size[0] + 1, outline.size[1] + 1), outline.size
    if outline is None:
        kind, outline = BOX, box_of(item, place)
    if outline is None:
        return NOTHING, (0, 0, 0, 0), (0, 0)
    columns = [x for ring in outline.rings for x in ring[0::2]]
    rows = [y for ring in outline.rings for y in ring[1::2]]
    if kind != BOX and _is_unseen(outline, columns, rows, place):
        return UNSEEN, (0, 0, 0, 0), (0, 0)
    return kind, (min(columns) - 1, min(rows) - 1, max(columns) + 1, max(rows) + 1), (0, 0)


def _is_unseen(outline: Polygons, columns: Sequence[float], rows: Sequence[float], place: str) -> bool:
    """Whether an outline is so thin that it covers no pixel."""
    if min(max(columns) - min(columns), max(rows) - min(rows)) >= _THIN or min(max(columns), max(rows)) < 0:
        return False
    around = math.ceil(max(columns)) + 1, math.ceil(max(rows)) + 1
    return not outline.region(1, around, place).flags.any()


def _indices(keys: Iterable[str]) -> dict[str, int]:
    return {key: index for index, key in enumerate(keys)}


def _indexed(scanned: _Scanned, batch: Batch, images: Mapping[str, int], categories: Mapping[str, int]) -> Annotations:
    wrong = [
        (number, f"{key} {value}", kind)
        for key, kind, own, known in (
            ("image_id", "images", scanned.images, images),
            ("category_id", "categories", scanned.categories, categories),
        )
        for number, value in enumerate(own)
        if value not in known
    ]
    items = batch.read() if wrong else []
    raise_all(
        AlikeError(
            place_of(batch.path, batch.first + number, items[number]),
            what,
            f"{what} is the id of none of the {kind}; correct or remove it",
        )
        for number, what, kind in wrong
    )
    return Annotations(
        np.array([images[key] for key in scanned.images], np.int64),
        np.array([categories[key] for key in scanned.categories], np.int64),
        np.frombuffer(scanned.kinds, np.uint8),
        scanned.bounds,
        scanned.sizes,
    )


def _joined(parts: Sequence[Annotations]) -> Annotations:
    if not parts:
        none = np.zeros(0, np.int64)
        return Annotations(none, none, none.astype(np.uint8), np.zeros((0, 4), np.float32), np.zeros((0, 2), np.int32))
    join = partial(np.concatenate, axis=0)
    return Annotations(
        join([each.images for each in parts]),
        join([each.categories for each in parts]),
        join([each.kinds for each in parts]),
        join([each.bounds for each in parts]),
        join([each.sizes for each in parts]),
    )

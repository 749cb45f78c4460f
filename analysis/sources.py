"""Which crops make up each source image, checked before anything is read; and how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.assemble import Piece, assemble, divide, owned_pixels
from analysis.counts import check_prediction, check_truth
from formats import dataset as dataset_files
from formats import predictions as prediction_files
from formats.classes import ClassTable
from formats.crops import Box
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.manifest import ManifestRow
from formats.masks import Mask, read_mask
from formats.predictions import Predictions

BACKGROUND_ID = 0
GREY = 128
"""Stands where a dropped crop left no image file."""


@dataclass(frozen=True)
class Source:
    """One predicted source image. `row` carries its split, group and attributes.

    `predicted` are the crops with a predicted mask, `kept` those with an image and a true mask in
    the dataset (none without a dataset). `dropped` crops were not predicted, and `uncovered`
    pixels lie in no crop at all; both count as background.
    """

    stem: str
    width: int
    height: int
    row: ManifestRow
    predicted: tuple[Piece, ...]
    kept: tuple[Piece, ...]
    dropped: int
    uncovered: int


def plan_sources(predictions: Predictions, dataset: Dataset | None) -> list[Source]:
    """The sources that were predicted, in the order of the manifest, with their crops.

    Raises SagesegError, naming the crop, where a prediction is missing, stands twice or is of no
    image of the dataset, and where two sources share a stem.
    """
    if not predictions.rows:
        raise SagesegError(f"{predictions.root}: no predictions in its manifest.csv; predict at least one image")
    agreed_classes(predictions, dataset)
    predicted = _by_stem(_rows_with_masks(predictions))
    known = _by_stem(dataset.rows if dataset else predictions.rows)
    sources = []
    for stem, rows in predicted.items():
        if dataset and stem not in known:
            raise _unknown(rows[0], dataset)
        sources.append(_plan_source(stem, rows, known[stem], dataset))
    return sources


def agreed_classes(predictions: Predictions, dataset: Dataset | None) -> ClassTable | None:
    """The classes of predictions and dataset, which must not differ; None where neither has any."""
    if dataset is None:
        return predictions.classes
    if predictions.classes not in (None, dataset.classes):
        theirs, ours = (", ".join(table.names) for table in (predictions.classes, dataset.classes) if table)
        raise SagesegError(
            f"{predictions.root / 'labels.txt'}: classes {theirs}; expected those of the dataset: {ours}"
        )
    return dataset.classes


def dropped_before(info: Mapping[str, Any]) -> int:
    """How many dropped crops became background when these predictions were stitched, by
    predictions.json; 0 where they were not."""
    stitched = info.get("stitched")
    return int(stitched.get("dropped_crops", 0)) if isinstance(stitched, dict) else 0


def _rows_with_masks(predictions: Predictions) -> list[ManifestRow]:
    there = {row.id for row in predictions.rows if predictions.mask_path(row.id).is_file()}
    missing = [row.id for row in predictions.rows if row.kept and row.id not in there]
    if missing:
        raise SagesegError(
            f"{predictions.mask_path(missing[0])}: not found, though manifest.csv lists it"
            f" ({len(missing)} of {len(predictions.rows)} masks are missing); predict again"
        )
    if not there:
        raise SagesegError(
            f"{predictions.root}: every row is a dropped crop without a mask; predict at least one image"
        )
    return [row for row in predictions.rows if row.id in there]


def _by_stem(rows: Iterable[ManifestRow]) -> dict[str, list[ManifestRow]]:
    by_stem: dict[str, list[ManifestRow]] = {}
    for row in rows:
        by_stem.setdefault(row.source_stem, []).append(row)
    return by_stem


def _plan_source(
    stem: str, predicted: Sequence[ManifestRow], rows: Sequence[ManifestRow], dataset: Dataset | None
) -> Source:
    _check_one_source(stem, predicted)
    _check_one_source(stem, rows)
    if dataset:
        _check_predicted(predicted, rows, dataset)
    first = rows[0]
    width, height = first.source_width, first.source_height
    grid = predicted if _is_whole(predicted) else rows
    ids = {row.id for row in predicted}
    pieces = divide(_boxes(grid), width, height)
    kept = {row.id for row in rows if row.kept} if dataset else set()
    return Source(
        stem=stem,
        width=width,
        height=height,
        row=first,
        predicted=tuple(piece for piece in pieces if piece.id in ids),
        kept=tuple(piece for piece in divide(_boxes(rows), width, height) if piece.id in kept),
        dropped=len(grid) - len(predicted),
        uncovered=width * height - owned_pixels(pieces),
    )


def _boxes(rows: Iterable[ManifestRow]) -> dict[str, Box]:
    return {row.id: row.box for row in rows}


def _is_whole(rows: Sequence[ManifestRow]) -> bool:
    row = rows[0]
    return len(rows) == 1 and row.box == Box(0, 0, row.source_width, row.source_height)


def _check_one_source(stem: str, rows: Sequence[ManifestRow]) -> None:
    first, places = rows[0], dict[Box, ManifestRow]()
    for row in rows:
        if row.source != first.source:
            raise SagesegError(
                f"{first.source} and {row.source} are both called {stem}; give each image a name of its own"
            )
        if (row.source_width, row.source_height) != (first.source_width, first.source_height):
            raise SagesegError(f"{row.id}: source size {_size(row)}, but {first.id} says {_size(first)}; predict again")
        if row.box in places:
            raise SagesegError(f"{row.id} and {places[row.box].id} are the same crop of {row.source}; keep one of them")
        places[row.box] = row


def _size(row: ManifestRow) -> str:
    return f"{row.source_width}×{row.source_height}"


def _check_predicted(predicted: Sequence[ManifestRow], rows: Sequence[ManifestRow], dataset: Dataset) -> None:
    if _is_whole(predicted):
        if _size(predicted[0]) != _size(rows[0]):
            raise SagesegError(
                f"{predicted[0].id}: predicted at {_size(predicted[0])}, but the dataset's image is {_size(rows[0])};"
                " predict at the image's own size"
            )
        return
    known = _boxes(rows)
    for row in predicted:
        if known.get(row.id) != row.box:
            raise _unknown(row, dataset)
    ids = {row.id for row in predicted}
    missing = [row.id for row in rows if row.kept and row.id not in ids]
    if missing:
        raise SagesegError(
            f"{missing[0]}: no prediction for this crop ({len(missing)} missing of {rows[0].source}); predict again"
        )


def _unknown(row: ManifestRow, dataset: Dataset) -> SagesegError:
    return SagesegError(
        f"{row.id}: predicted, but {dataset.root} has no such crop at {row.x},{row.y} of {row.width}×{row.height};"
        " choose the dataset that was predicted, or stitch without --dataset first"
    )


def read_prediction(root: Path, source: Source, num_classes: int) -> Mask:
    """The predicted mask of a source at full size, (height, width) uint8, from a predictions folder.

    Raises SagesegError naming the file whose size or values are not what they should be.
    """

    def read(piece: Piece) -> Mask:
        path = prediction_files.mask_path(root, piece.id)
        mask = _sized(read_mask(path), piece.crop, path)
        check_prediction(mask, num_classes, path)
        return mask

    parts = ((piece, read(piece)) for piece in source.predicted)
    return assemble((source.height, source.width), parts, BACKGROUND_ID)


def read_truth(root: Path, source: Source, num_classes: int) -> Mask:
    """The true mask of a source at full size from a dataset; dropped crops were empty."""

    def read(piece: Piece) -> Mask:
        path = dataset_files.mask_path(root, piece.id)
        mask = _sized(read_mask(path), piece.crop, path)
        check_truth(mask, num_classes, path)
        return mask

    parts = ((piece, read(piece)) for piece in source.kept)
    return assemble((source.height, source.width), parts, BACKGROUND_ID)


def read_source_image(root: Path, source: Source) -> Rgb:
    """A source at full size from a dataset's images, (height, width, 3) uint8; dropped crops grey."""

    def read(piece: Piece) -> Rgb:
        path = dataset_files.image_path(root, piece.id)
        return _sized(read_image(path), piece.crop, path)

    parts = ((piece, read(piece)) for piece in source.kept)
    return assemble((source.height, source.width, 3), parts, GREY)


def _sized(pixels: Mask, crop: Box, path: Path) -> Mask:
    height, width = pixels.shape[:2]
    if (width, height) != (crop.width, crop.height):
        raise SagesegError(
            f"{path}: {width}×{height} pixels; expected {crop.width}×{crop.height}, as manifest.csv says"
        )
    return pixels

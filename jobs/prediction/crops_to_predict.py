"""What is to be predicted: the crops of a split, or full images that are cropped on the fly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from formats.crops import crop_grid, crop_id
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import (
    Rgb,
    cut_image,
    decode_image,
    encode_image,
    image_errors,
    is_plain_jpeg,
    read_encoded,
    read_header,
    read_image,
)
from formats.manifest import ManifestRow
from formats.parallel import available_cores
from formats.prepared.image_folder import FoundImage
from formats.prepared.preparation import Preparation
from formats.prepared.resampling import resize_image
from formats.prepared.resize import Resize, recorded_resize, resized_size
from formats.prepared.source_images import check_source_images
from formats.prepared.value_range import ValueRange
from jobs.prediction.stages import in_order

T = TypeVar("T")
_READ_BYTES = 2**28
"""Pixels that are read ahead; a source that is larger is read alone."""


@dataclass(frozen=True)
class SourceWork:
    """The crops of one source image: how their pixels are read, and how they are read as JPEG, for a
    model that is elsewhere. A crop that is a JPEG file is sent as it is, so that every model sees the
    same pixels. `files` are what is read."""

    rows: tuple[ManifestRow, ...]
    files: tuple[Path, ...]
    read: Callable[[], list[Rgb]]
    encode: Callable[[], list[bytes]]

    @property
    def name(self) -> str:
        return self.rows[0].source


def source_state(source: SourceWork) -> str:
    """A word that changes with the crops of a source, and when a file of them is written again. Raises
    SagesegError for a file that is not there."""
    told = hashlib.sha256(repr(source.rows).encode(errors="surrogateescape"))
    for path in source.files:
        with image_errors(path):
            found = path.stat()
        told.update(os.fsencode(path.absolute()) + f" {found.st_size} {found.st_mtime_ns}\n".encode())
    return told.hexdigest()


def read_ahead(work: Sequence[SourceWork], read: Callable[[SourceWork], T]) -> Generator[tuple[SourceWork, T]]:
    """Each source with what was read of it, in order; the following ones are read meanwhile, on all cores."""
    return in_order(
        lambda source: (source, read(source)), work, threads=available_cores(), cost=_source_bytes, most=_READ_BYTES
    )


def _source_bytes(source: SourceWork) -> int:
    """What a source's pixels take in memory, whole and as crops."""
    first = source.rows[0]
    return 3 * (first.source_width * first.source_height + sum(row.width * row.height for row in source.rows))


def check_split(dataset: Dataset, split: str, images: Path | None) -> None:
    """Raise SagesegError for a split without anything to predict."""
    if not _rows_of_split(dataset, split, images):
        splits = ", ".join(dict.fromkeys(row.split for row in dataset.rows))
        raise SagesegError(f"--split {split}: {dataset.root} has no crop in it; expected one of {splits}")


def _rows_of_split(dataset: Dataset, split: str, images: Path | None) -> list[ManifestRow]:
    return [row for row in dataset.rows if row.split == split and (row.kept or images)]


def dataset_work(
    dataset: Dataset, split: str, images: Path | None, values: ValueRange | None = None
) -> list[SourceWork]:
    """The crops of a split. Dropped crops have no file: they are cut from the images in the folder
    `images` where it is given, which are read by `values`, and left out otherwise."""
    rows = _rows_of_split(dataset, split, images)
    sources = [tuple(crops) for _, crops in groupby(rows, key=lambda row: row.source)]
    if images:
        check_source_images(images, [crops[0] for crops in sources if not all(row.kept for row in crops)])
    return [
        SourceWork(
            crops,
            tuple(dataset.image_path(row.id) if row.kept or not images else images / row.source for row in crops),
            partial(_read_crops, dataset, crops, images, values, read_image, lambda image: image),
            partial(_read_crops, dataset, crops, images, values, _read_jpeg, encode_image),
        )
        for crops in sources
    ]


def _read_crops(
    dataset: Dataset,
    rows: Sequence[ManifestRow],
    images: Path | None,
    values: ValueRange | None,
    read: Callable[[Path], T],
    make: Callable[[Rgb], T],
) -> list[T]:
    """Crops with a file are read, dropped ones cut from their source and made alike."""
    if images and not all(row.kept for row in rows):
        resize = recorded_resize(dataset.info)
        dropped = iter(_cut_source(images / rows[0].source, [row for row in rows if not row.kept], resize, values))
        return [read(dataset.image_path(row.id)) if row.kept else make(next(dropped)) for row in rows]
    return [read(dataset.image_path(row.id)) for row in rows]


def _read_jpeg(path: Path, values: ValueRange | None = None) -> bytes:
    """The file as it is when it is a plain JPEG, else encoded as one."""
    with image_errors(path):
        content = read_encoded(path)
        return content if values is None and is_plain_jpeg(content) else encode_image(decode_image(content, values))


def folder_work(
    images: Sequence[FoundImage], prepared: Preparation, overlap: int, values: ValueRange | None = None
) -> list[SourceWork]:
    """The images of a folder, read by `values`, resized and cut as `prepared` says, into crops that share `overlap`
    pixels."""
    work = []
    for image in images:
        path, rows = image.path, tuple(_rows_of(image, prepared, overlap))
        read = partial(_cut_source, path, rows, prepared.resize, values)
        encode = partial(_encode_source, path, rows, prepared.resize, values)
        work.append(SourceWork(rows, (path,), read, encode))
    return work


def _rows_of(image: FoundImage, prepared: Preparation, overlap: int) -> Iterator[ManifestRow]:
    width, height = read_header(image.path).size
    resized = resized_size(width, height, prepared.resize)
    for crop in crop_grid(*resized, prepared.crop, overlap):
        yield ManifestRow(
            image.name if prepared.crop is None else crop_id(image.name, crop),
            split="",
            group=image.name,
            source=image.source,
            x=crop.left,
            y=crop.top,
            width=crop.width,
            height=crop.height,
            source_width=width,
            source_height=height,
        )


def _cut_source(path: Path, rows: Sequence[ManifestRow], resize: Resize | None, values: ValueRange | None) -> list[Rgb]:
    image = read_image(path, values)
    if resize:
        image = resize_image(image, *resized_size(image.shape[1], image.shape[0], resize))
    return [cut_image(image, row.box) for row in rows]


def _encode_source(
    path: Path, rows: Sequence[ManifestRow], resize: Resize | None, values: ValueRange | None
) -> list[bytes]:
    whole = len(rows) == 1 and (rows[0].width, rows[0].height) == (rows[0].source_width, rows[0].source_height)
    if whole:
        return [_read_jpeg(path, values)]
    return [encode_image(image) for image in _cut_source(path, rows, resize, values)]

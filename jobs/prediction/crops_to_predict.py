"""What is to be predicted: the crops of a split, or full images that are cropped on the fly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeVar

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


Rows = tuple[ManifestRow, ...]


class Reader(Protocol):
    """How the crops of a source are had: their pixels, or JPEG for a model that is elsewhere. A crop that is a JPEG
    file is sent as it is, so that every model sees the same pixels."""

    def files(self, rows: Rows) -> list[Path]:
        """What is read for them."""

    def read(self, rows: Rows) -> list[Rgb]: ...

    def encode(self, rows: Rows) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class SourceWork:
    """The crops of one source image, and their reader: small, as there is one for each image."""

    rows: Rows
    reader: Reader

    @property
    def name(self) -> str:
        return self.rows[0].source

    def files(self) -> list[Path]:
        return self.reader.files(self.rows)

    def read(self) -> list[Rgb]:
        return self.reader.read(self.rows)

    def encode(self) -> list[bytes]:
        return self.reader.encode(self.rows)


def source_state(source: SourceWork) -> str:
    """A word that changes with the crops of a source, and when a file of them is written again. Raises
    SagesegError for a file that is not there."""
    told = hashlib.sha256(repr(source.rows).encode(errors="surrogateescape"))
    for path in source.files():
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
    reader = _OfDataset(dataset, images, values)
    return [SourceWork(crops, reader) for crops in sources]


@dataclass(frozen=True)
class _OfDataset:
    """Crops with a file are read, dropped ones cut from their source and made alike."""

    dataset: Dataset
    images: Path | None
    values: ValueRange | None

    def files(self, rows: Rows) -> list[Path]:
        images = self.images
        return [self.dataset.image_path(row.id) if row.kept or not images else images / row.source for row in rows]

    def read(self, rows: Rows) -> list[Rgb]:
        return self._had(rows, read_image, lambda image: image)

    def encode(self, rows: Rows) -> list[bytes]:
        return self._had(rows, _read_jpeg, encode_image)

    def _had(self, rows: Rows, read: Callable[[Path], T], make: Callable[[Rgb], T]) -> list[T]:
        path_of = self.dataset.image_path
        if self.images and not all(row.kept for row in rows):
            resize, dropped = recorded_resize(self.dataset.info), [row for row in rows if not row.kept]
            cut = iter(_cut_source(self.images / rows[0].source, dropped, resize, self.values))
            return [read(path_of(row.id)) if row.kept else make(next(cut)) for row in rows]
        return [read(path_of(row.id)) for row in rows]


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
    return [
        SourceWork(tuple(_rows_of(image, prepared, overlap)), _OfImage(image.path, prepared.resize, values))
        for image in images
    ]


@dataclass(frozen=True, slots=True)
class _OfImage:
    """Crops are cut from one image."""

    path: Path
    resize: Resize | None
    values: ValueRange | None

    def files(self, _rows: Rows) -> list[Path]:
        return [self.path]

    def read(self, rows: Rows) -> list[Rgb]:
        return _cut_source(self.path, rows, self.resize, self.values)

    def encode(self, rows: Rows) -> list[bytes]:
        whole = len(rows) == 1 and (rows[0].width, rows[0].height) == (rows[0].source_width, rows[0].source_height)
        return [_read_jpeg(self.path, self.values)] if whole else [encode_image(image) for image in self.read(rows)]


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

"""A source's prediction, truth and image from the files of its crops, each file checked as it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.bands import Band, blended_bands, inner_bands, whole
from analysis.masks.pieces import Piece, assemble, owned_pixels, spread
from analysis.masks.sources import Source
from analysis.masks.upsample import resize_bands
from formats import dataset as dataset_files
from formats import predictions as prediction_files
from formats.classes import IGNORE
from formats.crops import Box
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.masks import Mask, check_values, read_mask
from formats.predictions import Probabilities
from formats.prepared.label_map import LabelMap

BACKGROUND_ID = 0
GREY = 128
"""Stands where a dropped crop left no image file."""
_ONE = int(np.float16(1).view(np.uint16))


def read_bands(
    root: Path, source: Source, num_classes: int, *, blend: bool = True, probabilities: bool = False
) -> Iterator[Band]:
    """The prediction of a source at its full size, band after band, from a predictions folder.

    Where crops have probabilities these are blended, unless `blend` is False; then, and where there
    are none, or nothing to blend, each pixel comes from the mask of the crop that owns it. With
    `probabilities` the bands hold the blended ones; the labels are the same. Of a source that was resized
    what is interpolated decides. Raises SagesegError naming the file whose size or values are not what they
    should be.
    """
    size, own = source.predicted_size, (source.width, source.height)
    pieces = spread(source.predicted, *size)
    owned = partial(inner_bands, pieces, *size, partial(read_crop_mask, root, num_classes), BACKGROUND_ID)
    alone = size == own and len(source.predicted) == 1
    if not source.probabilities or not blend or (alone and not probabilities):
        return resize_bands(owned(), size, own)
    read = partial(read_crop_probabilities, root, num_classes)
    shared = num_classes if probabilities or size != own else None
    bands = blended_bands(source.predicted, *size, read, shared)
    return _labelled(bands, whole(owned(), *size)) if alone else resize_bands(bands, size, own)


def _labelled(bands: Iterator[Band], mask: Mask) -> Iterator[Band]:
    """Bands with the labels of a mask: a stitched mask says what was decided before its probabilities were
    rounded to be written."""
    for band in bands:
        yield replace(band, labels=mask[band.top : band.top + band.labels.shape[0]])


def read_prediction(root: Path, source: Source, num_classes: int) -> Mask:
    """The predicted mask of a source at full size, (height, width) uint8, as `read_bands` tells it."""
    return whole(read_bands(root, source, num_classes), source.width, source.height)


def read_crop_mask(root: Path, num_classes: int, piece: Piece) -> Mask:
    """One crop's predicted mask, checked."""
    path = prediction_files.mask_path(root, piece.id)
    mask = _sized(read_mask(path), piece.crop, path)
    check_prediction(mask, num_classes, path)
    return mask


def read_crop_probabilities(root: Path, num_classes: int, piece: Piece) -> Probabilities:
    """One crop's probabilities, shape (C, h, w), each surely from 0 to 1."""
    path = prediction_files.probabilities_path(root, piece.id)
    values = prediction_files.read_probabilities(path, (num_classes, piece.crop.height, piece.crop.width))
    if values.view(np.uint16).max(initial=0) > _ONE:
        _require_shares(values, path)
        return np.abs(values)  # only -0.0 is left, whose sign would upset comparing bits
    return values


def _require_shares(values: npt.NDArray[Any], path: Path) -> None:
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise SagesegError(f"{path}: holds {wrong[0]}; expected probabilities from 0 to 1: predict again")


def require_truth(sources: Sequence[Source], dataset: Dataset) -> None:
    """Raise SagesegError naming the file or the image whose truth the dataset does not hold whole."""
    stems = {source.stem for source in sources}
    for row in dataset.rows:
        if not row.kept and row.foreground and not row.truth_sha256 and row.source_stem in stems:
            raise SagesegError(
                f"{row.source}: crops with objects were dropped, and {dataset.root} has no mask of the whole image;"
                " prepare the dataset again"
            )
    for source in sources:
        own = [dataset.truth_path(source.stem)] if source.row.truth_sha256 else []
        for path in own or map(dataset.mask_path, [piece.id for piece in source.kept]):
            if not path.is_file():
                raise SagesegError(f"{path}: not found; expected the true mask: prepare the dataset again")


def read_truth(root: Path, source: Source, num_classes: int) -> Mask:
    """The true mask of a source at full size from a dataset, as the job that predicted reads masks: the
    source's own, where the crops that were kept do not give it back; dropped crops were empty otherwise."""
    if source.row.truth_sha256:
        path = dataset_files.truth_path(root, source.stem)
        mask = _sized(read_mask(path), Box(0, 0, source.width, source.height), path)
        return classes_of(mask, source.label_map, num_classes, path)
    if source.kept_size != (source.width, source.height):
        raise SagesegError(
            f"{source.row.source}: was resized, and {root} has no mask of its own size; prepare the dataset again"
        )
    parts = ((piece, read_true_crop(root, source, piece, num_classes)) for piece in source.kept)
    return assemble((source.height, source.width), parts, _empty_class(root, source, num_classes))


def _empty_class(root: Path, source: Source, num_classes: int) -> int:
    """The class of dropped crops' pixels, whose value is 0."""
    if source.label_map is None or owned_pixels(source.kept) == source.width * source.height:
        return BACKGROUND_ID
    return int(classes_of(np.zeros((1, 1), np.uint8), source.label_map, num_classes, root)[0, 0])


def read_true_crop(root: Path, source: Source, piece: Piece, num_classes: int) -> Mask:
    """One crop's true mask in class ids, (height, width) uint8; what lies beyond the image is ignore."""
    path = dataset_files.mask_path(root, piece.id)
    mask = classes_of(_sized(read_mask(path), piece.crop, path), source.label_map, num_classes, path)
    width, height = source.kept_size
    if source.label_map and (piece.crop.left + piece.crop.width > width or piece.crop.top + piece.crop.height > height):
        mask[height - piece.crop.top :] = IGNORE  # a label map makes a class of the padding too
        mask[:, width - piece.crop.left :] = IGNORE
    return mask


def classes_of(mask: Mask, label_map: LabelMap | None, num_classes: int, path: Path) -> Mask:
    """A true mask in class ids, checked: by the job's label map, or as it is."""
    if label_map:
        return label_map.apply(mask, path)
    check_truth(mask, num_classes, path)
    return mask


def read_source_image(root: Path, source: Source) -> Rgb:
    """A source at full size from a dataset's images, (height, width, 3) uint8; dropped crops grey."""

    def read(piece: Piece) -> Rgb:
        path = dataset_files.image_path(root, piece.id)
        return _sized(read_image(path), piece.crop, path)

    width, height = source.kept_size
    parts = ((piece, read(piece)) for piece in source.kept)
    image = assemble((height, width, 3), parts, GREY)
    if source.kept_size == (source.width, source.height):
        return image
    return np.asarray(cv2.resize(image, (source.width, source.height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _sized(pixels: Mask, crop: Box, path: Path) -> Mask:
    height, width = pixels.shape[:2]
    if (width, height) != (crop.width, crop.height):
        raise SagesegError(
            f"{path}: {width}×{height} pixels; expected {crop.width}×{crop.height}, as manifest.csv says"
        )
    return pixels


def check_truth(mask: Mask, num_classes: int, path: Path) -> None:
    """Raise SagesegError when a true mask holds a value that is neither a class nor ignore (255)."""
    if mask.max(initial=0) >= num_classes:
        check_values(mask, num_classes, path)


def check_prediction(mask: Mask, num_classes: int, path: Path) -> None:
    """Raise SagesegError when a predicted mask holds a value that is no class; ignore (255) is none."""
    highest = int(mask.max(initial=0))
    if highest >= num_classes:
        ignored = ", and ignore is never predicted" if highest == IGNORE else ""
        raise SagesegError(
            f"{path}: predicted value {highest} is no class; expected 0 to {num_classes - 1}{ignored}: predict again"
        )

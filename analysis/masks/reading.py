"""A source's prediction, truth and image from the files of its crops, each file checked as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.bands import Band, blended_bands, inner_bands, resize_bands, whole
from analysis.masks.pieces import Piece, assemble
from analysis.masks.sources import Source
from formats import dataset as dataset_files
from formats import predictions as prediction_files
from formats.classes import IGNORE
from formats.crops import Box
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.masks import Mask, check_values, read_mask, resize_mask
from formats.predictions import Probabilities

BACKGROUND_ID = 0
GREY = 128
"""Stands where a dropped crop left no image file."""
_ONE = int(np.float16(1).view(np.uint16))


def read_bands(
    root: Path, source: Source, num_classes: int, *, blend: bool = True, probabilities: bool = False
) -> Iterator[Band]:
    """The prediction of a source at its full size, band after band, from a predictions folder.

    Where crops have probabilities these are blended, unless `blend` is False; then, and where there
    are none, each pixel comes from the crop that owns it. With `probabilities` the bands hold the
    blended ones. Raises SagesegError naming the file whose size or values are not what they should be.
    """
    size = source.predicted_size

    if source.probabilities and blend and (probabilities or len(source.predicted) > 1):
        read = partial(read_crop_probabilities, root, num_classes)
        bands = blended_bands(source.predicted, *size, read, num_classes if probabilities else None)
    else:
        bands = inner_bands(source.predicted, *size, partial(read_crop_mask, root, num_classes), BACKGROUND_ID)
    return resize_bands(bands, size, (source.width, source.height))


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
    values = prediction_files.read_probabilities(path)
    expected = (num_classes, piece.crop.height, piece.crop.width)
    if values.shape != expected:
        raise SagesegError(f"{path}: probabilities of shape {values.shape}; expected {expected}: predict again")
    if values.view(np.uint16).max(initial=0) > _ONE:
        _require_shares(values, path)
        return np.abs(values)  # only -0.0 is left, whose sign would upset comparing bits
    return values


def _require_shares(values: npt.NDArray[Any], path: Path) -> None:
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise SagesegError(f"{path}: holds {wrong[0]}; expected probabilities from 0 to 1: predict again")


def read_truth(root: Path, source: Source, num_classes: int) -> Mask:
    """The true mask of a source at full size from a dataset; dropped crops were empty, or are ignore
    where they were not."""

    def read(piece: Piece) -> Mask:
        path = dataset_files.mask_path(root, piece.id)
        mask = _sized(read_mask(path), piece.crop, path)
        check_truth(mask, num_classes, path)
        return mask

    width, height = source.kept_size
    unlabelled = (
        (piece, np.full((piece.crop.height, piece.crop.width), IGNORE, np.uint8)) for piece in source.unlabelled
    )
    parts = chain(((piece, read(piece)) for piece in source.kept), unlabelled)
    return resize_mask(assemble((height, width), parts, BACKGROUND_ID), source.width, source.height)


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

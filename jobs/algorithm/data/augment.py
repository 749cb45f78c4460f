"""The random changes that make a training crop, and the crop that validates.

After GluonCV's segmentation datasets (`gluoncv/data/segbase.py`), which the built-in is built on:
mirror, scale, crop, blur, in this order and with these chances. What the open implementation adds
on request, turning, shearing and shifting, comes between crop and blur.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from formats.classes import IGNORE
from formats.images import Rgb
from formats.masks import Mask

SCALES = (0.5, 2.0)
BLUR_CHANCE = 0.5
MAX_BLUR = 1.0
"""Largest deviation of the blur, in pixels."""
MAX_TURN = 25.0
"""Largest rotation to either side, in degrees."""
MAX_SHEAR = 0.1
"""Largest shear: pixels sideways for each pixel down."""
MAX_SHIFT = 0.1
"""Largest shift along either side, as a share of it."""


def training_crop(
    image: Rgb, mask: Mask, base_size: int, crop_size: int, rng: np.random.Generator, *, strong: bool = False
) -> tuple[Rgb, Mask]:
    """A random crop, (crop_size, crop_size, 3) and (crop_size, crop_size).

    The image's long side becomes base_size × U(0.5, 2.0) first; where it is then smaller than the
    crop, black follows to the right and below, and the mask there is ignore. Only the part that
    the crop shows is scaled. `strong` turns, shears and shifts that part as well; what comes in
    from beyond its edge is its mirror image.
    """
    mirrored = rng.random() < 0.5
    scale = base_size * rng.uniform(*SCALES) / max(mask.shape)
    rows, height = _random_span(mask.shape[0], crop_size, scale, rng)
    columns, width = _random_span(mask.shape[1], crop_size, scale, rng)
    image, mask = _scaled(image[rows, columns], mask[rows, columns], width, height)
    if mirrored:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if strong:
        image, mask = _warped(image, mask, rng)
    return _blurred(_padded(image, crop_size, 0), rng), _padded(mask, crop_size, IGNORE)


def validation_crop(image: Rgb, mask: Mask, crop_size: int) -> tuple[Rgb, Mask]:
    """The middle crop_size × crop_size pixels after the short side is scaled to crop_size."""
    short = min(mask.shape)
    height, width = (side * crop_size // short for side in mask.shape)
    image, mask = _scaled(image, mask, width, height)
    top, left = round((height - crop_size) / 2), round((width - crop_size) / 2)
    rows, columns = slice(top, top + crop_size), slice(left, left + crop_size)
    return np.ascontiguousarray(image[rows, columns]), np.ascontiguousarray(mask[rows, columns])


def _random_span(side: int, crop_size: int, scale: float, rng: np.random.Generator) -> tuple[slice, int]:
    """The pixels of one side that a crop shows, and how many pixels of the crop they fill."""
    if side * scale <= crop_size:
        return slice(0, side), max(round(side * scale), 1)
    shown = min(max(round(crop_size / scale), 1), side)
    start = int(rng.integers(0, side - shown + 1))
    return slice(start, start + shown), crop_size


def _scaled(image: Rgb, mask: Mask, width: int, height: int) -> tuple[Rgb, Mask]:
    if mask.shape == (height, width):
        return image, mask
    smaller = width * height < mask.size
    # area: bilinear with the antialiasing that Pillow has and OpenCV has not; exact: the plain
    # nearest of OpenCV would shift the mask against the image by half a pixel
    filtered = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    nearest = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return filtered.astype(np.uint8, copy=False), nearest.astype(np.uint8, copy=False)


def _warped(image: Rgb, mask: Mask, rng: np.random.Generator) -> tuple[Rgb, Mask]:
    """Turned, sheared and shifted about the middle, in one resampling."""
    (height, width), matrix = mask.shape, _random_warp(mask.shape, rng)
    image, mask = np.ascontiguousarray(image), np.ascontiguousarray(mask)
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    nearest = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return warped.astype(np.uint8, copy=False), nearest.astype(np.uint8, copy=False)


def _random_warp(shape: tuple[int, ...], rng: np.random.Generator) -> np.typing.NDArray[np.float64]:
    """(2, 3): from places (x, y) before to places after."""
    angle, shear = math.radians(rng.uniform(-MAX_TURN, MAX_TURN)), rng.uniform(-MAX_SHEAR, MAX_SHEAR)
    size = np.array(shape[::-1])
    shift = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * size
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear, middle = turn @ np.array([[1, shear], [0, 1]]), (size - 1) / 2
    return np.column_stack([linear, middle + shift - linear @ middle])


def _padded(array: Rgb, size: int, value: int) -> Rgb:
    height, width = array.shape[:2]
    padded = np.full((size, size, *array.shape[2:]), value, np.uint8)
    padded[:height, :width] = array
    return padded


def _blurred(image: Rgb, rng: np.random.Generator) -> Rgb:
    if rng.random() >= BLUR_CHANCE:
        return image
    deviation = rng.uniform(0, MAX_BLUR)
    return cv2.GaussianBlur(image, (0, 0), max(deviation, 1e-3)).astype(np.uint8, copy=False)

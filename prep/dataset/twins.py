"""Near-twins: images so alike that one in train and one in val would flatter the scores.

A perceptual hash alone cannot tell two cars at one angle in one studio, so it only proposes: each
pair is then laid over the other at its best small shift and compared pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from formats.images import Rgb

SIDE = 64
"""A thumbnail's side in pixels, whatever the image's aspect."""
SHIFT = 4
"""The largest shift that is tried, in pixels of the thumbnail: a sixteenth of the image."""
LIMIT = 6.0
"""Twins differ by at most so many grey levels a pixel (0..255) on average. Measured on Carvana: an image and
its copy made brighter, noisier, or shifted by 2 % differ by 2 to 5; the two most alike views of one
car by 8.5, of two cars by 11."""
NEAREST = 3
"""So many of the most similar images are compared pixel by pixel with each image."""

_SAMPLES = 4 * SIDE
_CELLS = 16
_SCALE = 24
_FARTHEST = 2 * _CELLS**2 * _SCALE**2 * (1 - 0.7)
_BLOCK = 1 << 22

Thumbnails = npt.NDArray[np.uint8]
"""Grey thumbnails, shape (n, SIDE, SIDE), dtype uint8."""


@dataclass(frozen=True, order=True)
class Twins:
    """Two images by their places in the list. `difference` is their mean absolute difference in
    grey levels (0..255) once `b` is shifted by `dx, dy` pixels of the thumbnail and both have one
    mean brightness."""

    difference: float
    a: int
    b: int
    dx: int
    dy: int


def thumbnail(image: Rgb) -> npt.NDArray[np.uint8]:
    """An image as SIDE × SIDE grey levels. Large images are sampled first, which costs a
    hundredth of their decoding."""
    step = max(1, min(image.shape[:2]) // _SAMPLES)
    small = cv2.resize(image[::step, ::step], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def find_twins(thumbnails: Thumbnails, images: Sequence[int], others: Sequence[int]) -> Iterator[Twins]:
    """The nearest twin among `others` of each of `images` (places in `thumbnails`) that has one.
    Pixels are compared for the NEAREST by signature only."""
    hashes = signatures(thumbnails)
    for image, near in _nearest(hashes, np.asarray(images, int), np.asarray(others, int)):
        best = min((align(thumbnails, image, other) for other in near), default=None)
        if best and best.difference <= LIMIT:
            yield best


def signatures(thumbnails: Thumbnails) -> npt.NDArray[np.float32]:
    """Perceptual hashes, shape (n, 256): the means of 16 × 16 cells, freed of brightness and
    contrast, as whole numbers -127..127. Sums of their products stay below 2²⁴, so float32 holds
    them exactly, and neither threads nor blocks can change a distance."""
    n, cell = len(thumbnails), SIDE // _CELLS
    blocks = thumbnails.reshape(n, _CELLS, cell, _CELLS, cell)
    cells = blocks.sum(axis=(2, 4), dtype=np.uint16).reshape(n, -1) / np.float32(cell**2)
    cells -= cells.mean(axis=1, keepdims=True)
    contrast = np.maximum(cells.std(axis=1, keepdims=True), 2)  # a flat image stays flat, not noise made large
    hashes: npt.NDArray[np.float32] = np.rint(cells / contrast * _SCALE).clip(-127, 127)
    return hashes


def _nearest(
    hashes: npt.NDArray[np.float32], images: npt.NDArray[np.int_], others: npt.NDArray[np.int_]
) -> Iterator[tuple[int, list[int]]]:
    """Exact, by blocks of a matrix product: 10,000 images are a second, and one studio's thousands
    of like images, which would fill a single hash bucket, are no special case."""
    if not len(others):
        return
    known = hashes[others]
    norms = (known**2).sum(axis=1)
    rows = max(1, _BLOCK // len(others))
    for start in range(0, len(images), rows):
        block = hashes[images[start : start + rows]]
        distances = (block**2).sum(axis=1)[:, None] + norms - 2 * (block @ known.T)
        for image, distance in zip(images[start : start + rows].tolist(), distances, strict=True):
            near = []
            for _ in range(min(NEAREST, len(others))):
                best = int(distance.argmin())
                if distance[best] > _FARTHEST:
                    break
                near.append(int(others[best]))
                distance[best] = np.inf
            yield image, near


def align(thumbnails: Thumbnails, a: int, b: int) -> Twins:
    """Compare two thumbnails at every shift up to SHIFT, and keep the best."""
    side = SIDE - 2 * SHIFT
    centre = thumbnails[a, SHIFT : SHIFT + side, SHIFT : SHIFT + side].astype(np.float32)
    shifted = np.lib.stride_tricks.sliding_window_view(thumbnails[b].astype(np.float32), (side, side))
    offsets = (shifted.mean(axis=(2, 3)) - centre.mean())[:, :, None, None]
    differences = np.abs(shifted - offsets - centre).mean(axis=(2, 3))
    top, left = divmod(int(differences.argmin()), differences.shape[1])
    return Twins(round(float(differences[top, left]), 3), a, b, left - SHIFT, top - SHIFT)

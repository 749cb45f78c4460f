"""Near-twins: images so alike that one in train and one in val would flatter the scores.

A perceptual hash alone cannot tell two cars at one angle in one studio, so it only proposes: each
pair is then laid over the other, and over its mirror image, and compared pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from formats.alike.alignment import SIDE, Grey, lay_over, soften
from formats.images import Rgb

LIMIT = 4.5
"""Twins differ by at most so many grey levels a pixel (0..255) on average; docs/prep.md has what copies and
other views differ by."""
NEAREST = 3
"""So many of the most similar images, and of the most similar mirror images, are compared pixel by pixel with each
image."""

_SAMPLES = 4 * SIDE
_CELLS = 16
_SCALE = 24
_FARTHEST = 2 * _CELLS**2 * _SCALE**2 * (1 - 0.7)
_BLOCK = 1 << 22
_AT_ONCE = 4096
"""Images whose signatures are made together, which bounds what is held besides."""

Thumbnails = npt.NDArray[np.uint8]
"""Grey thumbnails, shape (n, SIDE, SIDE), dtype uint8."""


@dataclass(frozen=True, order=True)
class Twins:
    """Two images by their places in the list. `difference` is their mean absolute difference in
    grey levels (0..255) once `b` is mirrored or not, zoomed by `zoom`, shifted by `dx, dy` pixels of the
    thumbnail, and both have one brightness and contrast."""

    difference: float
    a: int
    b: int
    dx: float
    dy: float
    zoom: float
    mirrored: bool


def thumbnail(image: Rgb) -> npt.NDArray[np.uint8]:
    """An image as SIDE × SIDE grey levels. Large images are sampled first, which costs a
    hundredth of their decoding."""
    step = max(1, min(image.shape[:2]) // _SAMPLES)
    small = cv2.resize(image[::step, ::step], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def find_twins(
    thumbnails: Thumbnails,
    images: Sequence[int],
    others: Sequence[int],
    hashes: npt.NDArray[np.float32] | None = None,
) -> Iterator[Twins]:
    """The nearest twin among `others` of each of `images` (places in `thumbnails`) that has one.
    Pixels are compared for the NEAREST by signature only; `hashes` are the signatures of all thumbnails, for who asks
    often."""
    hashes = signatures(thumbnails) if hashes is None else hashes
    for image, near in _nearest(hashes, np.asarray(images, int), np.asarray(others, int)):
        if near:
            best = min(_align_softened(thumbnails, soften(thumbnails[image]), image, *one) for one in near)
            if best.difference <= LIMIT:
                yield best


def signatures(thumbnails: Thumbnails) -> npt.NDArray[np.float32]:
    """Perceptual hashes, shape (n, 256): the means of 16 × 16 cells, freed of brightness and
    contrast, as whole numbers -127..127. Sums of their products stay below 2²³, so float32 holds
    them exactly, twice too, and neither threads nor blocks can change a distance."""
    hashes = np.empty((len(thumbnails), _CELLS**2), np.float32)
    for start in range(0, len(thumbnails), _AT_ONCE):
        hashes[start : start + _AT_ONCE] = _signatures(thumbnails[start : start + _AT_ONCE])
    return hashes


def _signatures(thumbnails: Thumbnails) -> npt.NDArray[np.float32]:
    n, cell = len(thumbnails), SIDE // _CELLS
    blocks = thumbnails.reshape(n, _CELLS, cell, _CELLS, cell)
    cells = blocks.sum(axis=(2, 4), dtype=np.uint16).reshape(n, -1) / np.float32(cell**2)
    cells -= cells.mean(axis=1, keepdims=True)
    contrast = np.maximum(cells.std(axis=1, keepdims=True), 2)  # a flat image stays flat, not noise made large
    hashes: npt.NDArray[np.float32] = np.rint(cells / contrast * _SCALE).clip(-127, 127)
    return hashes


def mirror(hashes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The signatures of the mirror images."""
    return hashes.reshape(-1, _CELLS, _CELLS)[:, :, ::-1].reshape(len(hashes), -1)


def _nearest(
    hashes: npt.NDArray[np.float32], images: npt.NDArray[np.int_], others: npt.NDArray[np.int_]
) -> Iterator[tuple[int, list[tuple[int, bool]]]]:
    """Of each image the nearest others, and whether mirrored. Exact, by blocks of a matrix product: 10,000
    images are two seconds, and one studio's thousands of like images, which would fill a single hash bucket,
    are no special case."""
    if not len(others):
        return
    known = hashes[others]
    scores_of = np.concatenate([2 * known, -(known**2).sum(axis=1, keepdims=True)], axis=1).T
    rows = max(1, _BLOCK // len(others))
    for start in range(0, len(images), rows):
        block = hashes[images[start : start + rows]]
        least = (block**2).sum(axis=1) - _FARTHEST
        plain, mirrored = (_with_one(each) @ scores_of for each in (block, mirror(block)))
        for image, near, reflected, low in zip(
            images[start : start + rows].tolist(), plain, mirrored, least, strict=True
        ):
            found = [(int(others[place]), False) for place in _highest(near, low)]
            yield image, found + [(int(others[place]), True) for place in _highest(reflected, low)]


def _with_one(block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Signatures with a 1 behind them: their product with 2 b and -b² is what, taken from a², leaves the square of the
    distance of a and b."""
    return np.concatenate([block, np.ones((len(block), 1), np.float32)], axis=1)


def _highest(scores: npt.NDArray[np.float32], least: float) -> list[int]:
    """The places of the NEAREST that are not too far; overwrites the row."""
    found = []
    for _ in range(min(NEAREST, len(scores))):
        best = int(scores.argmax())
        if scores[best] < least:
            break
        found.append(best)
        scores[best] = -np.inf
    return found


def align(thumbnails: Thumbnails, a: int, b: int, *, mirrored: bool = False) -> Twins:
    """Compare two thumbnails at every shift and zoom, and keep the best."""
    return _align_softened(thumbnails, soften(thumbnails[a]), a, b, mirrored)


def _align_softened(thumbnails: Thumbnails, softened: Grey, a: int, b: int, mirrored: bool) -> Twins:
    other = thumbnails[b][:, ::-1] if mirrored else thumbnails[b]
    best = lay_over(softened, soften(np.ascontiguousarray(other)))
    return Twins(best.difference, a, b, best.dx, best.dy, best.zoom, mirrored)

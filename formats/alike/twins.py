"""Near-twins: images so alike that one in train and one in val would flatter the scores.

A perceptual hash alone cannot tell two cars at one angle in one studio, so it only proposes: each
pair is then laid over the other, and over its mirror image, and compared pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from formats.alike.alignment import SIDE, Grey, lay_over, soften
from formats.alike.signatures import Signatures, nearest
from formats.images import Rgb

LIMIT = 4.5
"""Twins differ by at most so many grey levels a pixel (0..255) on average; docs/prep.md has what copies and
other views differ by."""
_SAMPLES = 4 * SIDE

Thumbnail = npt.NDArray[np.uint8]
"""Grey levels, shape (SIDE, SIDE), dtype uint8."""


class Thumbnails(Protocol):
    """Thumbnails by their places, in memory (an array of shape (n, SIDE, SIDE)) or in a file."""

    def __getitem__(self, place: int, /) -> Thumbnail: ...


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


def thumbnail(image: Rgb) -> Thumbnail:
    """An image as SIDE × SIDE grey levels. Large images are sampled first, which costs a
    hundredth of their decoding."""
    step = max(1, min(image.shape[:2]) // _SAMPLES)
    small = cv2.resize(image[::step, ::step], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def find_twins(
    thumbnails: Thumbnails, hashes: Signatures, images: Sequence[int], others: Sequence[int]
) -> Iterator[Twins]:
    """The nearest twin among `others` of each of `images` (places in `thumbnails`) that has one. Pixels are compared
    for the NEAREST by signature only; `hashes` are the signatures of all thumbnails."""
    for image, near in nearest(hashes, images, others):
        if near:
            softened = soften(thumbnails[image])
            best = min(_align_softened(thumbnails, softened, image, *one) for one in near)
            if best.difference <= LIMIT:
                yield best


def align(thumbnails: Thumbnails, a: int, b: int, *, mirrored: bool = False) -> Twins:
    """Compare two thumbnails at every shift and zoom, and keep the best."""
    return _align_softened(thumbnails, soften(thumbnails[a]), a, b, mirrored)


def _align_softened(thumbnails: Thumbnails, softened: Grey, a: int, b: int, mirrored: bool) -> Twins:
    other = thumbnails[b][:, ::-1] if mirrored else thumbnails[b]
    best = lay_over(softened, soften(np.ascontiguousarray(other)))
    return Twins(best.difference, a, b, best.dx, best.dy, best.zoom, mirrored)

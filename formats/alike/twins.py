"""Near-twins: images so alike that one in train and one in val would flatter the scores.

A perceptual hash alone cannot tell two cars at one angle in one studio, so it only proposes: each
pair is then laid over the other, and over its mirror image, and compared pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import ceil
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from formats.alike.alignment import SIDE, Grey, lay_over, soften
from formats.alike.signatures import Signatures, nearest
from formats.images import Rgb
from formats.parallel import map_parallel

LIMIT = 4.5
"""Twins differ by at most so many grey levels a pixel (0..255) on average; docs/prep.md has what copies and
other views differ by."""
_SAMPLES = 4 * SIDE
_TOGETHER, _WORTH_PROCESSES = 32, 4096
"""Images whose pixels are compared by one task, and how many there must be: comparing those of one takes four
milliseconds at the most, starting a process half a second."""

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
    thumbnails: Thumbnails,
    hashes: Signatures,
    images: Sequence[int],
    others: Sequence[int],
    *,
    workers: int | None = None,
) -> Iterator[Twins]:
    """The nearest twin among `others` of each of `images` (places in `thumbnails`) that has one. Pixels are compared
    for the NEAREST by signature only, of many images by processes; `hashes` are the signatures of all thumbnails."""
    tasks = _Comparisons(thumbnails, hashes, images, others)
    if len(images) < _WORTH_PROCESSES or not others:
        return chain.from_iterable(map(_compare, tasks))
    return chain.from_iterable(map_parallel(_compare, tasks, workers=workers, label="near-twins"))


def align(thumbnails: Thumbnails, a: int, b: int, *, mirrored: bool = False) -> Twins:
    """Compare two thumbnails at every shift and zoom, and keep the best."""
    return _aligned(soften(thumbnails[a]), thumbnails[b], a, b, mirrored)


_Candidates = list[tuple[int, Thumbnail, list[tuple[int, Thumbnail, bool]]]]
"""Images by their places, each with those that are near to it and whether it is their mirror images that are."""


@dataclass(frozen=True)
class _Comparisons:
    """What pixels are compared, for some images at once, found when it is their turn."""

    thumbnails: Thumbnails
    hashes: Signatures
    images: Sequence[int]
    others: Sequence[int]

    def __len__(self) -> int:
        return ceil(len(self.images) / _TOGETHER)

    def __iter__(self) -> Iterator[_Candidates]:
        read, found = self.thumbnails, nearest(self.hashes, self.images, self.others)
        while some := list(islice(found, _TOGETHER)):
            yield [
                (image, read[image], [(place, read[place], mirrored) for place, mirrored in near])
                for image, near in some
                if near
            ]


def _compare(candidates: _Candidates) -> list[Twins]:
    """The twins of images that have one."""
    found: list[Twins] = []
    for image, own, near in candidates:
        softened = soften(own)
        best = min(_aligned(softened, other, image, place, mirrored) for place, other, mirrored in near)
        if best.difference <= LIMIT:
            found.append(best)
    return found


def _aligned(softened: Grey, other: Thumbnail, a: int, b: int, mirrored: bool) -> Twins:
    best = lay_over(softened, soften(np.ascontiguousarray(other[:, ::-1] if mirrored else other)))
    return Twins(best.difference, a, b, best.dx, best.dy, best.zoom, mirrored)

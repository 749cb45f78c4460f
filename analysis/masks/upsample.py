"""Predictions at another size: classes' shares interpolated between pixels' centres, and decided there.

An image that was resized before it was predicted is brought back so: edges come out smooth, where taking the
class under each pixel's centre leaves stairs as wide as the resize.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.bands import Band
from analysis.masks.blend import likeliest

Places = npt.NDArray[np.int64]
_ROWS = 64
"""Rows made at once: all classes' shares at full size would fill the memory."""


def resize_bands(bands: Iterator[Band], size: tuple[int, int], to: tuple[int, int]) -> Iterator[Band]:
    """Bands of an image of `size` (width, height) as bands of the same image at size `to`.

    Each pixel gets what lies at its centre, linearly interpolated: the bands' probabilities where they hold
    them, else the shares of the classes of the pixels around. Its label is the likeliest class then, the
    lowest of equal ones. Memory holds a band at both sizes.
    """
    if size == to:
        yield from bands
        return
    above, below, weight = _between(to[1], size[1])
    held: Band | None = None
    first = 0
    for band in bands:
        held = band if held is None else _joined(held, band)
        end = held.top + held.labels.shape[0]
        last = int(np.searchsorted(below, end))
        for start in range(first, last, _ROWS):
            rows = slice(start, min(start + _ROWS, last))
            yield _resized(held, to[0], start, above[rows], below[rows], weight[rows])
        first = max(first, last)
        held = _rows(held, end - 1, end)


def _between(length: int, source: int) -> tuple[Places, Places, npt.NDArray[np.float32]]:
    """Of each of `length` places along a side the two of `source` many that its centre lies between, and how far
    it lies from the former to the latter, 0..1. Beyond the outermost centres both are the outermost."""
    centres = np.clip((np.arange(length) + 0.5) * source / length - 0.5, 0, source - 1)
    before = np.floor(centres).astype(np.int64)
    return before, np.minimum(before + 1, source - 1), (centres - before).astype(np.float32)


def _joined(above: Band, band: Band) -> Band:
    labels = np.concatenate([above.labels, band.labels])
    if above.probabilities is None or band.probabilities is None:
        return Band(above.top, labels)
    return Band(above.top, labels, np.concatenate([above.probabilities, band.probabilities], axis=1))


def _rows(band: Band, first: int, end: int) -> Band:
    """The rows `first` to `end` of the image, which the band holds."""
    part = slice(first - band.top, end - band.top)
    return Band(first, band.labels[part], None if band.probabilities is None else band.probabilities[:, part])


def _resized(band: Band, width: int, top: int, above: Places, below: Places, weight: npt.NDArray[np.float32]) -> Band:
    """Rows from `top` on, each between two rows of the image that the band holds."""
    part = _rows(band, int(above[0]), int(below[-1]) + 1)
    between = above - part.top, below - part.top, weight[:, None]
    if part.probabilities is None:
        present = np.unique(part.labels)
        shares = (part.labels[None] == present[:, None, None]).astype(np.float32)
        return Band(top, present[likeliest(_interpolated(shares, width, *between))])
    probabilities = _interpolated(part.probabilities, width, *between).astype(np.float16)
    return Band(top, likeliest(probabilities), probabilities)


def _interpolated(
    values: npt.NDArray[Any], width: int, above: Places, below: Places, weight: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Shares of classes, (K, h, w), each 0..1, at `width` and at rows between these."""
    found = np.empty((len(values), len(above), width), np.float32)
    for plane, place in zip(values, found, strict=True):
        # INTER_LINEAR is `_between`'s rule, along the width alone where the height stays
        wide = cv2.resize(plane.astype(np.float32), (width, plane.shape[0]), interpolation=cv2.INTER_LINEAR)
        upper = wide[above]
        place[:] = upper + (wide[below] - upper) * weight
    return found

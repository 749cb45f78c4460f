"""Masks of 0 and 1 with 64 pixels in a word, so that a neighbourhood is joined by moving whole rows.

A mask of (height, width) is an array of uint64, shape (height, words): pixel x is bit x % 64 of word x // 64. What lies
beyond the mask is 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from formats.masks import Mask

Bits = npt.NDArray[np.uint64]
_WORD = 64


def pack(mask: Mask) -> Bits:
    """The bits of a 0/1 mask."""
    packed = np.packbits(mask, axis=1, bitorder="little")
    whole = np.zeros((len(mask), -(-mask.shape[1] // _WORD)), "<u8")
    whole.view(np.uint8)[:, : packed.shape[1]] = packed
    return whole.astype(np.uint64, copy=False)


def count(bits: Bits) -> int:
    """How many pixels are 1."""
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def eroded(bits: Bits, radius: int) -> Bits:
    """The pixels whose square of side 2 × radius + 1 is all 1."""
    inside, side = np.zeros_like(bits), 2 * radius + 1
    if side <= len(bits):
        joined = bits
        for step in _steps(side):
            joined = joined[:-step] & joined[step:]
        for step in _steps(side):
            joined &= _left(joined, step)
        inside[radius : len(bits) - radius] = _right(joined, radius)
    return inside


def _steps(number: int) -> Iterator[int]:
    """How far apart to join so many neighbours two by two, then four by four …"""
    joined = 1
    while joined < number:
        step = min(joined, number - joined)
        yield step
        joined += step


def contour(bits: Bits, width: int) -> Bits:
    """The pixels of a mask so wide that have a neighbour (of four) inside it that is 0."""
    zeros = ~bits
    zeros[:, -1] &= np.uint64(2 ** ((width - 1) % _WORD + 1) - 1)
    beside = _right(zeros, 1) | _left(zeros, 1)
    beside[1:] |= zeros[:-1]
    beside[:-1] |= zeros[1:]
    return bits & beside


def dilated(bits: Bits, radius: int) -> Bits:
    """The pixels within `radius` (Euclidean) of one that is 1; also beyond the width, where the last word goes on."""
    by_reach = [bits]
    for reach in range(1, radius + 1):
        by_reach.append(by_reach[-1] | _right(bits, reach) | _left(bits, reach))
    found = by_reach[radius].copy()
    for rows in range(1, min(radius + 1, len(bits))):
        beside = by_reach[math.isqrt(radius**2 - rows**2)]
        found[rows:] |= beside[:-rows]
        found[:-rows] |= beside[rows:]
    return found


def _right(bits: Bits, columns: int) -> Bits:
    """Each pixel so many columns to the right."""
    words, few = divmod(columns, _WORD)
    moved = np.zeros_like(bits)
    there, here = moved[:, words:], bits[:, : bits.shape[1] - words]
    np.left_shift(here, np.uint64(few), out=there)
    if few:
        there[:, 1:] |= here[:, :-1] >> np.uint64(_WORD - few)
    return moved


def _left(bits: Bits, columns: int) -> Bits:
    """Each pixel so many columns to the left."""
    words, few = divmod(columns, _WORD)
    moved = np.zeros_like(bits)
    there, here = moved[:, : bits.shape[1] - words], bits[:, words:]
    np.right_shift(here, np.uint64(few), out=there)
    if few:
        there[:, :-1] |= here[:, 1:] << np.uint64(_WORD - few)
    return moved

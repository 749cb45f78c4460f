"""Run lengths as Label Studio writes brushes: the bits of `@thi.ng/rle-pack` over four channels of an image, of which
the last, alpha, says what is covered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from formats.arrays import Flags, Ints

"""What a brush covers, shape (height, width)."""

_CHANNELS = 4
_WORD = 8
"""Bits of a channel's value."""
_SIZES = (3, 4, 8, 16)
"""Bits in which a run's length less one may stand: two bits before it say which."""
_LONGEST = 2**16
_HEADER = 53
"""Bits of the header: 32 of the count of values, 5 of the word's size, four times 4 of `_SIZES`."""
_PEEKED = 40
"""Bits looked at at once: up to 7 of the byte in which a block begins, 3, 16 and 8 of a run."""


def decode_brush(rle: Sequence[int], size: tuple[int, int]) -> Flags:
    """What a brush covers of an image of (width, height): the pixels whose alpha is not 0, as Label Studio shows them.

    Raises ValueError for what is no list of bytes, and where it is of another length than the image.
    """
    width, height = size
    content = _as_bytes(rle)
    if len(content) * 8 < _HEADER:
        raise ValueError("it is cut short")
    count, word, sizes = _header(content)
    if word != _WORD:
        raise ValueError(f"words of {word} bits; expected {_WORD}")
    if count != width * height * _CHANNELS:
        raise ValueError(f"{count} values, but {width}×{height} pixels have {width * height * _CHANNELS}")
    covered = np.zeros(width * height, np.bool_)
    _fill(covered, content, count, sizes)
    return covered.reshape(height, width)


def _as_bytes(rle: Sequence[int]) -> bytes:
    try:
        return bytes(list(rle))  # of a number alone, bytes() makes so many zeros
    except (TypeError, ValueError) as e:
        raise ValueError("it is no list of whole numbers from 0 to 255") from e


def _header(content: bytes) -> tuple[int, int, tuple[int, ...]]:
    bits = int.from_bytes(content[:7], "big") >> 3
    sizes = tuple((bits >> shift & 15) + 1 for shift in (12, 8, 4, 0))
    return bits >> 21, (bits >> 16 & 31) + 1, sizes


def _fill(covered: Flags, content: bytes, count: int, sizes: Sequence[int]) -> None:
    """Set the pixels that runs of a value other than 0, and single values, cover. Of values before the i-th, i // 4 are
    of alpha."""
    end = len(content) * 8
    content += bytes(_PEEKED // 8)
    place, done = _HEADER, 0
    while done < count:
        peeked = int.from_bytes(content[place >> 3 : (place >> 3) + _PEEKED // 8], "big") << (place & 7)
        kind = peeked >> (_PEEKED - 3) & 7
        rest = _PEEKED - 3 - sizes[kind & 3]
        length = (peeked >> rest & ((1 << sizes[kind & 3]) - 1)) + 1
        place += 3 + sizes[kind & 3]
        place += _WORD if kind & 4 else _WORD * length
        if place > end:
            raise ValueError("it is cut short")
        if done + length > count:
            raise ValueError(f"over {count} values, more than the image has")
        first, last = done // _CHANNELS, (done + length) // _CHANNELS
        if not kind & 4:
            values = _words(content, place - _WORD * length, length)
            covered[first:last] = values[(-1 - done) % _CHANNELS :: _CHANNELS] != 0
        elif peeked >> (rest - _WORD) & 255:
            covered[first:last] = True
        done += length


def _words(content: bytes, place: int, count: int) -> npt.NDArray[np.uint8]:
    """The words of eight bits from a bit on."""
    around = np.frombuffer(content, np.uint8, count + 1, place >> 3).astype(np.uint16)
    both = around[:-1] << 8 | around[1:]
    return (both >> (8 - (place & 7)) & 255).astype(np.uint8)


def encode_brush(flags: Flags) -> bytes:
    """The counterpart of `decode_brush`: all four channels are 255 where something is covered, else 0."""
    flat = flags.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate((np.zeros(min(flat.size, 1), np.int64), edges))
    lengths = np.diff(starts, append=flat.size) * _CHANNELS
    lengths, values = _cut(lengths, np.where(flat[starts], 255, 0))
    kinds = np.searchsorted(np.left_shift(1, _SIZES[:3]), lengths)
    bits = np.array(_SIZES)[kinds]
    codes = ((4 + kinds) << bits | lengths - 1) << _WORD | values
    head = (flat.size * _CHANNELS) << 21 | (_WORD - 1) << 16 | int("".join(f"{bits - 1:x}" for bits in _SIZES), 16)
    return _packed(np.concatenate(([head], codes)), np.concatenate(([_HEADER], 3 + bits + _WORD)))


def _cut(lengths: Ints, values: Ints) -> tuple[Ints, ...]:
    """Runs of which none is longer than `_LONGEST`."""
    parts = -(-lengths // _LONGEST)
    cut = np.full(int(parts.sum()), _LONGEST)
    cut[np.cumsum(parts) - 1] = lengths - (parts - 1) * _LONGEST
    return cut, np.repeat(values, parts)


def _packed(codes: Ints, lengths: Ints) -> bytes:
    """The last bits of each number, as many as `lengths` says, one after the other; bits of 0 fill the last byte."""
    bits = np.unpackbits(codes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    return np.packbits(bits[np.arange(64) >= 64 - lengths[:, None]]).tobytes()

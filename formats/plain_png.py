"""Masks as programs mostly write them decoded without Pillow, which takes four times as long.

Only PNGs of 8 bits in one channel whose every row is stored as it is, or all as what differs from the row above; all
else, and all that is broken, is left to Pillow. Format: PNG specification, third edition (w3.org/TR/png-3).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
from zlib_ng import zlib_ng

from formats.limits import MOST_PIXELS

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3
_NONE, _UP = 0, 2
_BROKEN = cast(type[Exception], zlib_ng.error)  # its stubs say that it is an instance
_DEFLATE, _DICTIONARY = b"\x78", 0x20
"""How zlib's content begins (RFC 1950)."""
_KNOWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
"""Others may turn the image, or hold more than one."""


def decode_plain(content: bytes) -> npt.NDArray[np.uint8] | None:
    """The values of a PNG's pixels, (height, width) uint8, or None where Pillow is to decode it."""
    parts = list(_parts(content))
    kinds = [kind for kind, _ in parts]
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or not set(kinds) <= set(_KNOWN):
        return None
    width, height, bits, colour, *others = struct.unpack(">IIBBBBB", parts[0][1])
    if bits != 8 or colour not in (_GREY, _PALETTE) or any(others) or not 0 < width * height <= MOST_PIXELS:
        return None
    if colour == _PALETTE and b"PLTE" not in kinds:
        return None
    return _rows(b"".join(data for kind, data in parts if kind == b"IDAT"), width, height)


def _parts(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the content of each chunk, up to the first that is broken."""
    at = len(_SIGNATURE)
    while content.startswith(_SIGNATURE) and at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data, check = content[at + 8 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if len(check) < 4 or zlib.crc32(data, zlib.crc32(kind)) != int.from_bytes(check, "big"):
            return
        yield kind, data
        at += 12 + length


def _rows(compressed: bytes, width: int, height: int) -> npt.NDArray[np.uint8] | None:
    size = height * (width + 1)
    if compressed[:1] != _DEFLATE or int.from_bytes(compressed[:2], "big") % 31 or compressed[1] & _DICTIONARY:
        return None
    unpacking = zlib_ng.decompressobj(-zlib.MAX_WBITS)  # without zlib's checksum of all pixels: chunks have their own
    try:
        content = unpacking.decompress(compressed[2:], size + 1)
    except _BROKEN:
        return None
    if len(content) != size or not unpacking.eof:
        return None
    rows = np.frombuffer(content, np.uint8).reshape(height, width + 1)
    filters, pixels = rows[:, 0], rows[:, 1:]
    if (filters == _NONE).all():
        return pixels.copy()
    if (filters == _UP).all():
        return np.add.accumulate(pixels, axis=0, dtype=np.uint8)
    return None

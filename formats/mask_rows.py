"""A mask written to disk row by row, as it comes; and the parts that a PNG is made of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from formats.classes import voc_palette
from formats.disk.whole_files import written_beside
from formats.masks import Mask

_LEVEL = 1
"""zlib's; masks shrink to a few kB at any level."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = 2**16
_PALETTE_COLOUR = 3


def write_mask_rows(path: Path, width: int, height: int, bands: Iterable[Mask]) -> None:
    """Write bands of rows, each (h, width) uint8, as one mode-P PNG with VOC's palette, whole or not
    at all. `formats.masks.write_mask` writes the same image when all of it is in memory.

    The bytes are the same however the rows are divided. Format: PNG specification, third edition
    (w3.org/TR/png-3).
    """
    with written_beside(path) as beside, beside.open("wb") as file:
        file.write(_SIGNATURE + _palette_header(width, height))
        file.write(_png_chunk(b"PLTE", voc_palette().tobytes()))
        for content in _in_chunks(_compress(bands, width)):
            file.write(_png_chunk(b"IDAT", content))
        file.write(_png_chunk(b"IEND", b""))


def _compress(bands: Iterable[Mask], width: int) -> Iterator[bytes]:
    """Each row after its filter byte 2 (up): what differs from the row above, for masks mostly
    nothing."""
    compressor = zlib.compressobj(_LEVEL)
    above = np.zeros((1, width), np.uint8)
    for band in bands:
        filtered = np.full((band.shape[0], width + 1), 2, np.uint8)
        np.subtract(band, np.concatenate([above, band[:-1]]), out=filtered[:, 1:])
        above = band[-1:].copy()
        for row in filtered:
            yield compressor.compress(row.data)
    yield compressor.flush()


def _in_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= _CHUNK:
            yield bytes(waiting[:_CHUNK])
            del waiting[:_CHUNK]
    yield bytes(waiting)


def _palette_header(width: int, height: int) -> bytes:
    """The chunk that begins a PNG whose pixels are ids of eight bits, with a palette to follow."""
    return _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _PALETTE_COLOUR, 0, 0, 0))


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk with its length before it and its checksum behind."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

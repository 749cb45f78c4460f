"""Records of bytes: dmlc-core's RecordIO frames (`recordio.h`), as Pipe mode and answers hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from formats.errors import SagesegError

MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
LENGTH_BITS = 29
MAX_RECORD = 2**LENGTH_BITS - 4
"""Bytes of content in one frame; a multiple of the frames' alignment of 4."""
_LAST_PARTS = (0, 3)
"""Kinds of frames that end a record: a whole one, and the last of several. After each other part the
writer left out a magic number that stood in the content."""


def frame(content: bytes) -> bytes:
    """One record. Raises SagesegError for content that is too long for a frame."""
    if len(content) > MAX_RECORD:
        raise SagesegError(f"{len(content)} bytes: over the {MAX_RECORD} of one RecordIO record; use smaller images")
    return _HEADER.pack(MAGIC, len(content)) + content + bytes(-len(content) % 4)


def read_records(stream: BinaryIO, source: str) -> Iterator[bytes]:
    """The content of each record to the stream's end. Raises SagesegError naming `source` for a
    stream that breaks off or holds something else."""
    parts: list[bytes] = []
    while header := stream.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise SagesegError(f"{source}: breaks off within a record; start the job again")
        magic, word = _HEADER.unpack(header)
        if magic != MAGIC:
            raise SagesegError(f"{source}: no RecordIO frame; expected RecordWrapperType RecordIO for the channel")
        parts.append(_content(stream, word & (2**LENGTH_BITS - 1), source))
        if word >> LENGTH_BITS in _LAST_PARTS:
            yield struct.pack("<I", MAGIC).join(parts)
            parts = []
    if parts:
        raise SagesegError(f"{source}: breaks off within a record; start the job again")


def _content(stream: BinaryIO, length: int, source: str) -> bytes:
    padded = length + -length % 4
    content = stream.read(padded)
    if len(content) < padded:
        raise SagesegError(f"{source}: breaks off within a record; start the job again")
    return content[:length]

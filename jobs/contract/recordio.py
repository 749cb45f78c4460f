"""Records of bytes: dmlc-core's RecordIO frames (`recordio.h`), as Pipe mode and answers hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from formats.errors import SagesegError

MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
"""The magic number, and a word of the frame's kind and, in its lower bits, the content's length."""
_LENGTH_BITS = 29
MAX_RECORD = 2**_LENGTH_BITS - 4
"""Bytes of content in one frame; a multiple of the frames' alignment of 4."""
_WHOLE, _LAST = 0, 3
"""Kinds of frames that end a record; others begin and continue it. After each of those the writer left
out a magic number that stood in the content."""
_LEFT_OUT = struct.pack("<I", MAGIC)


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
        kind, length = _parted(word)
        content = stream.read(_padded(length))
        if len(content) < _padded(length):
            raise SagesegError(f"{source}: breaks off within a record; start the job again")
        parts.append(content[:length])
        if kind in (_WHOLE, _LAST):
            yield _LEFT_OUT.join(parts)
            parts = []
    if parts:
        raise SagesegError(f"{source}: breaks off within a record; start the job again")


def first_record(body: memoryview, source: str) -> memoryview:
    """The content of the record that an answer begins with, in the answer's own memory where one frame
    holds it. Raises SagesegError naming `source` for an answer that is cut short or something else."""
    parts: list[memoryview] = []
    at, kind = 0, None
    while kind not in (_WHOLE, _LAST):
        if len(body) - at < _HEADER.size:
            raise SagesegError(f"{source}: cut short, {len(body)} bytes; expected a RecordIO frame")
        magic, word = _HEADER.unpack_from(body, at)
        if magic != MAGIC:
            raise SagesegError(f"{source}: no RecordIO frame (it begins with {magic:#x}); expected {MAGIC:#x}")
        kind, length = _parted(word)
        begin = at + _HEADER.size
        if begin + length > len(body):
            raise SagesegError(f"{source}: cut short, {len(body)} bytes of {begin + length}; ask again")
        parts.append(body[begin : begin + length])
        at = begin + _padded(length)
    return parts[0] if len(parts) == 1 else memoryview(_LEFT_OUT.join(parts))


def _parted(word: int) -> tuple[int, int]:
    """The kind and the length that a header's second word holds."""
    return word >> _LENGTH_BITS, word & (2**_LENGTH_BITS - 1)


def _padded(length: int) -> int:
    """With what fills a frame's content up to a whole word."""
    return length + -length % 4

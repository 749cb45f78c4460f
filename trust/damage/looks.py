"""A file looked through, by what it is made of: the spans of its values and members, and its checksums made right.

That is done once; to damage it then is a matter of microseconds, because spans of bytes are put together anew and
nothing is parsed or written out again.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True)
class Seed:
    """A file that is whole. `values` are the spans of what may be replaced, `members` of what may be dropped, doubled
    or put elsewhere: they may lie in each other."""

    content: bytes
    values: Sequence[Span]
    members: Sequence[Span]


_JSON_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[-\w.+]+|[\[\]{},:]', re.DOTALL)


def look_at_json(content: bytes) -> Seed:
    """JSON, or lines of it: every value, and every pair of key and value."""
    values: list[Span] = []
    members: list[Span] = []
    opened: list[int] = []
    keys: list[int | None] = []
    key: int | None = None
    last = (0, 0)
    for found in _JSON_TOKEN.finditer(content):
        token, span = found[0], found.span()
        if token == b":":
            key = last[0]
            if values and values[-1] == last:
                values.pop()
            continue
        if token in (b"[", b"{"):
            opened.append(span[0])
            keys.append(key)
            key = None
            continue
        if token == b",":
            continue
        start = span[0]
        if token in (b"]", b"}"):
            start, key = (opened.pop(), keys.pop()) if opened else (start, None)
        last = (start, span[1])
        values.append(last)
        if key is not None:
            members.append((key, span[1]))
            key = None
    return Seed(content, values, members)


_XML_PART = re.compile(rb"<(/?)([\w:.-]+)([^<>]*?)(/?)>")
_XML_ATTRIBUTE = re.compile(rb'\s+[\w:.-]+="([^"]*)"')


def look_at_xml(content: bytes) -> Seed:
    """XML: the values of attributes and texts, and the attributes and elements."""
    values: list[Span] = []
    members: list[Span] = []
    opened: list[int] = []
    end_before = 0
    for found in _XML_PART.finditer(content):
        if content[end_before : found.start()].strip():
            values.append((end_before, found.start()))
        end_before = found.end()
        for own in _XML_ATTRIBUTE.finditer(content, *found.span(3)):
            values.append(own.span(1))
            members.append(own.span())
        if found[1]:
            members.append((opened.pop() if opened else found.start(), found.end()))
        elif found[4]:
            members.append(found.span())
        else:
            opened.append(found.start())
    return Seed(content, values, members)


def look_at_text(content: bytes) -> Seed:
    """Text of lines: its words and cells, and its lines."""
    words = [found.span() for found in re.finditer(rb'[^\s,;:|=\[\]{}"]+', content)]
    return Seed(content, words, [found.span() for found in re.finditer(rb"[^\n]*\n?", content) if found[0]])


def look_at_bytes(content: bytes) -> Seed:
    """What has no known parts: numbers of one to four bytes anywhere."""
    size = len(content)
    return Seed(content, [(at, min(at + width, size)) for at in range(size) for width in (1, 2, 4)], ())


def _png_chunks(content: bytes) -> Iterator[Span]:
    place = 8
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        yield place, min(end, len(content))
        place = end


def look_at_png(content: bytes) -> Seed:
    """PNG: chunks, their bytes by one and by four, and their whole contents."""
    chunks = list(_png_chunks(content))
    values = [(start + 8, end - 4) for start, end in chunks if end - start > 12]
    values += [(at, min(at + width, end)) for start, end in values for at in range(start, end) for width in (1, 4)]
    return Seed(content, [(start, start + 4) for start, _ in chunks] + values, chunks)


def mend_png(content: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what is in them."""
    if not content.startswith(b"\x89PNG"):
        return content
    parts = [content[:8]]
    for start, end in _png_chunks(content):
        body = content[start + 4 : end - 4]
        parts.append(struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body)))
    return b"".join(parts)


def look_at_jpeg(content: bytes) -> Seed:
    """JPEG: its segments before the pixels, their lengths, and the numbers in them."""
    segments: list[Span] = []
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        segments.append((place, end))
        place = end
    values = [(start + 2, start + 4) for start, _ in segments]
    values += [(at, at + width) for start, end in segments for at in range(start + 4, end) for width in (1, 2, 4)]
    return Seed(content, values, segments)

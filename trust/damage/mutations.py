"""Ways to damage a file, by what it is made of: its values and members where it is text, its chunks where it is binary,
and its bytes in any case.

Nothing is guided by coverage. On two parsers as they were before they were mended, in 15 s of processor time each
(2026-11-28), these found 2 faults of labelme's and 1 of VIA's in 198,089 inputs, atheris 3.0.0 found 1 of each, VIA's
another, in 286,659: neither finds all, and these need nothing installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from trust.damage.hostile import JSON, TEXT, XML
from trust.damage.looks import (
    Seed,
    look_at_bytes,
    look_at_jpeg,
    look_at_json,
    look_at_png,
    look_at_text,
    look_at_xml,
    mend_png,
)


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
    return content[:start] + random.choice((random.randbytes(2), *TEXT[:-1])) + content[start:]


def _spliced(content: bytes, seeds: Sequence[Seed], random: Random) -> bytes:
    other = random.choice(seeds).content
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]


_RAW = (_flip, _cut, _without_middle, _doubled, _inserted, _spliced)
KINDS = {
    "json": Kind(look_at_json, JSON),
    "xml": Kind(look_at_xml, XML),
    "text": Kind(look_at_text, TEXT),
    "bytes": Kind(look_at_bytes),
    "png": Kind(look_at_png, mend=mend_png),
    "jpeg": Kind(look_at_jpeg),
}

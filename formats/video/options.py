"""What is asked of a video: which frames, and at which rate where it does not tell."""

from __future__ import annotations

from formats.errors import SagesegError
from formats.texts.told_numbers import parse_number, parse_whole

BLOCK_S = 30.0
"""Frames of so many seconds look alike: one group, unless told otherwise."""


def parse_positive(text: str) -> float:
    """A number above 0."""
    value = parse_number(text)
    if not 0 < value < float("inf"):
        raise SagesegError(f"{text!r}: expected a number above 0")
    return value


def parse_every(text: str) -> int:
    """A whole number from 1 on."""
    every = parse_whole(text)
    if not every:
        raise SagesegError(f"--every {text}: expected a whole number of frames, such as 10")
    return every

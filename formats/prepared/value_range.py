"""How values of more than 8 bits become 8: which become black and which white is said (--range), never guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from formats.texts.told_numbers import parse_number

NONE = "none"


@dataclass(frozen=True)
class ValueRange:
    """Of each channel, or of all together where there is one pair only, the values that become 0 and 255."""

    bands: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        return ",".join(f"{number_text(low)}:{number_text(high)}" for low, high in self.bands)


def number_text(value: float) -> str:
    """A number as short as it can be without another value."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def parse_range(text: str) -> ValueRange:
    """`0:3000`, or a pair for each channel, `0:3000,0:2500,0:2500`: the counterpart of `str`."""
    return ValueRange(tuple(_pair(part, text) for part in text.split(",")))


def _pair(part: str, text: str) -> tuple[float, float]:
    low, colon, high = part.partition(":")
    pair = parse_number(low), parse_number(high)
    if not colon or not all(map(math.isfinite, pair)):
        raise SagesegError(f"--range {text}: expected LOW:HIGH, such as 0:3000, or such a pair for each channel")
    if not pair[0] < pair[1]:
        raise SagesegError(f"--range {text}: {part} has no values between; expected LOW below HIGH, such as 0:3000")
    return pair


def parse_range_or_none(text: str) -> ValueRange | None:
    """`0:3000` or `none`."""
    return None if text == NONE else parse_range(text)


def recorded_range(info: Mapping[str, Any]) -> ValueRange | None:
    """What `info` tells under `range`: the options in dataset.json, or predictions.json."""
    text = info.get("range")
    return None if text is None else parse_range_or_none(str(text))

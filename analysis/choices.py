"""The words that commands of this room take; light, so that --help loads nothing."""

from __future__ import annotations

from enum import StrEnum

from formats.errors import SagesegError


class How(StrEnum):
    """How overlapping crops become one mask."""

    BLEND = "blend"
    INNER = "inner"


class Rule(StrEnum):
    """How several predictions become one."""

    MEAN = "mean"
    MAJORITY = "majority"


def parse_overlays(text: str) -> int | None:
    """`500`, or `all`, which is None."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise SagesegError(f"--overlays {text}: expected how many of the worst images to draw, such as 500, or all")
    return int(text)

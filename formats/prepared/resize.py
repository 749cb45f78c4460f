"""What --resize makes of an image's size: one rule for prep, which resizes, and for stitch, which
goes back. dataset.json records it as `options.resize`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from formats.errors import SagesegError
from formats.limits import check_pixels

LONGEST = 65500
"""The longest side that a JPEG can have (libjpeg's JPEG_MAX_DIMENSION)."""


@dataclass(frozen=True)
class Resize:
    """`width` × `height` exactly, whatever the aspect; or, with `height` None, `width` as the long
    side, aspect kept."""

    width: int
    height: int | None = None

    def __str__(self) -> str:
        return f"{self.width}" if self.height is None else f"{self.width}x{self.height}"

    def words(self) -> str:
        """For a person: `960×640`, or `a long side of 1024`."""
        return f"a long side of {self.width}" if self.height is None else f"{self.width}×{self.height}"


def parse_resize(text: str) -> Resize:
    """`960x640` or `1024`, the counterpart of `str(resize)`."""
    match = re.fullmatch(r"([0-9]{1,9})(?:[xX×]([0-9]{1,9}))?", text)
    sides = [int(side) for side in match.groups() if side] if match else []
    if not sides or not all(1 <= side <= LONGEST for side in sides):
        raise SagesegError(
            f"--resize {text}: expected WIDTHxHEIGHT, such as 960x640, or the long side, such as 1024, "
            f"each 1 to {LONGEST} pixels"
        )
    return Resize(*sides)


def resized_size(width: int, height: int, resize: Resize | None) -> tuple[int, int]:
    """The (width, height) after `resize` of an image of width × height pixels.

    With a long side the other side keeps the aspect, rounded half up and at least 1; smaller images
    grow to it. Without a resize the size stays. Raises SagesegError for more pixels than
    an image may have.
    """
    if resize is None:
        return width, height
    size = _scaled(width, height, resize)
    check_pixels(*size, f"--resize {resize} of {width}×{height}", "choose a smaller size")
    return size


def _scaled(width: int, height: int, resize: Resize) -> tuple[int, int]:
    if resize.height is not None:
        return resize.width, resize.height
    long = max(width, height)
    scaled_width, scaled_height = (max(1, (2 * side * resize.width + long) // (2 * long)) for side in (width, height))
    return scaled_width, scaled_height


def recorded_resize(info: Mapping[str, Any]) -> Resize | None:
    """The resize that dataset.json records; None where images kept their size."""
    options = info.get("options")
    text = options.get("resize") if isinstance(options, dict) else None
    return None if text is None else parse_resize(str(text))

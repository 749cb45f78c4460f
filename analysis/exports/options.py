"""What a person may choose of exports: what stands behind a cutout, how large a submission's images are."""

from __future__ import annotations

import re
from pathlib import Path

from formats.errors import SagesegError

Background = tuple[int, int, int] | Path
"""What stands behind what was cut out: red, green and blue, each 0..255, or an image that fills the area."""


def parse_background(text: str) -> Background:
    """A file's name, or a colour as CSS writes it: `white`, `#f4f4f4`, `rgb(20, 20, 20)`."""
    from PIL import ImageColor

    from formats.images import read_image

    path = Path(text)
    if path.is_file():
        read_image(path)
        return path
    try:
        red, green, blue, *_ = ImageColor.getrgb(text)
    except ValueError as e:
        raise SagesegError(
            f"--background {text}: neither a file nor a colour; expected an image, or a colour such as white or #f4f4f4"
        ) from e
    return red, green, blue


def parse_size(text: str | None) -> tuple[int, int]:
    """`1918x1280`, as (width, height)."""
    match = re.fullmatch(r"([0-9]{1,9})[xX×]([0-9]{1,9})", text or "")
    if match is None or not int(match[1]) or not int(match[2]):
        given = f"--size {text}" if text else "--size is missing"
        raise SagesegError(f"{given}: expected the images' width and height, such as 1918x1280")
    return int(match[1]), int(match[2])

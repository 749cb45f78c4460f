"""Masks on disk: 8-bit PNG of mode P, class ids as pixel values, VOC's colours as palette."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.crops import Box
from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.images import image_errors, open_header, orientation_of, read_encoded, turn_upright
from formats.plain_png import decode_plain

Mask = npt.NDArray[np.uint8]
"""Class ids, shape (height, width), dtype uint8."""


def read_mask(path: Path) -> Mask:
    """Read a PNG (mode P, or L as endpoints answer it) or a GIF mask as class ids, turned as its own EXIF
    orientation says, if it has one.

    Raises SagesegError for files that are missing, broken, animated, or hold colours instead of
    class ids.
    """
    with image_errors(path, "a mask"):
        content = read_encoded(path)
    plain = decode_plain(content)
    if plain is not None:
        return plain
    with image_errors(path, "a mask"), open_header(content) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise SagesegError(f"{path}: animated, {image.n_frames} frames; expected one mask")  # type: ignore[attr-defined]
        if image.mode not in ("P", "L"):
            raise SagesegError(f"{path}: mode {image.mode}; expected a mask of mode P, class ids in one channel")
        orientation = orientation_of(image)
        return turn_upright(np.array(image, np.uint8), orientation)


def encode_mask(mask: Mask) -> bytes:
    """A mask as the bytes of a mode-P PNG with VOC's palette."""
    image = Image.fromarray(mask)  # mode L of the same bytes; putpalette makes it P
    image.putpalette(voc_palette().tobytes())
    buffer = BytesIO()
    # runs of one class are what masks are made of: a third of the time, and mostly smaller
    image.save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as mode-P PNG, whole or not at all."""
    write_bytes(path, encode_mask(mask))


def check_values(mask: Mask, num_classes: int, path: Path) -> None:
    """Raise SagesegError when a mask holds a value that is neither a class id nor ignore (255)."""
    wrong = [value for value, count in enumerate(count_values(mask)) if count and num_classes <= value != IGNORE]
    if wrong:
        raise SagesegError(
            f"{path}: value {wrong[0]} is no class; expected 0 to {num_classes - 1}, or {IGNORE} for ignore"
        )


def count_values(mask: Mask) -> list[int]:
    """How many pixels have each value: 256 counts. Four times as fast as numpy's bincount,
    which also keeps all other threads waiting."""
    return Image.fromarray(mask).histogram()


def foreground_share(mask: Mask) -> float:
    """The share (0..1) of pixels that are neither background nor ignore."""
    # one comparison for two: minus 1, background wraps to 255 and ignore becomes 254
    return float(np.count_nonzero(mask - np.uint8(1) < IGNORE - 1)) / mask.size


def cut_mask(mask: Mask, crop: Box) -> Mask:
    """A crop of a mask; beyond the edge is ignore."""
    inside = mask[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    below, right = crop.height - inside.shape[0], crop.width - inside.shape[1]
    return np.pad(inside, [(0, below), (0, right)], constant_values=IGNORE) if below or right else inside


def resize_mask(mask: Mask, width: int, height: int) -> Mask:
    """A mask at another size: each pixel takes the class that lies under its centre."""
    if mask.shape == (height, width):
        return mask
    return mask[nearest(height, mask.shape[0])][:, nearest(width, mask.shape[1])]


def nearest(length: int, source: int) -> npt.NDArray[np.int64]:
    """Of each of `length` places along a side the place, of `source` many, that lies under its centre."""
    return (2 * np.arange(length) + 1) * source // (2 * length)

"""Images of more than 8 bits a channel: known as such by their headers, and decoded with all their bits."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.prepared.eight_bits import DepthError, describe_values, to_8_bits
from formats.prepared.value_range import ValueRange

_BITS, _SAMPLES = 8, 277
_BITS_PER_SAMPLE, _PLANAR, _APART = 258, 284, 2
"""Tags of TIFF 6.0."""
_PNG_START, _PNG_DEPTH_BYTE = b"\x89PNG\r\n\x1a\n", 24
_KINDS = ("PNG", "TIFF")
Deep = npt.NDArray[Any]
"""Pixels as the file holds them, shape (height, width, 1 or 3), red first: unsigned or signed integers, or floats."""


def is_deep(image: Image.Image, content: bytes) -> bool:
    """Whether an image has more than 8 bits a channel. Pillow opens colours of 16 bits as RGB of their upper halves."""
    deep_png = content.startswith(_PNG_START) and content[_PNG_DEPTH_BYTE] == 16
    return deep_png or image.mode.startswith(("I", "F")) or max(tiff_bits(image)) > _BITS


def tiff_bits(image: Image.Image) -> tuple[int, ...]:
    """The bits of each channel that a TIFF states."""
    stated = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, _BITS)
    return stated if isinstance(stated, tuple) else (stated,)


def deep_to_rgb(image: Image.Image, content: bytes, values: ValueRange | None) -> npt.NDArray[np.uint8]:
    """A deep image at 8 bits, shape (height, width, 3), grey in all three; turned as Pillow turns what it decodes.

    Raises DepthError, with the values that are there, where nobody says which become black and white.
    """
    pixels = _decode(image, content)
    if values is None:
        raise DepthError(
            f"over {_BITS} bits a channel ({describe_values(pixels)}); say with --range LOW:HIGH of prep and predict "
            "which values become black and white"
        )
    scaled = to_8_bits(pixels, values)
    return np.repeat(scaled, 3, axis=2) if scaled.shape[2] == 1 else scaled


def _decode(image: Image.Image, content: bytes) -> Deep:
    """Without alpha. Raises DepthError for a kind of file, or of pixels, that OpenCV does not decode in full: of
    channels in a TIFF that are not said to be red, green and blue it gives the first alone, and of channels that lie
    apart, one after the other, it makes colours of neighbouring pixels of the first (seen with 5.0)."""
    decoded = _decoded(content) if image.format in _KINDS else None
    if decoded is None or decoded.dtype.itemsize * 8 <= _BITS:
        raise DepthError(f"{image.format} over {_BITS} bits a channel, mode {image.mode}; {_CONVERT}")
    pixels = decoded if decoded.ndim == 3 else decoded[..., None]
    stated = int(getattr(image, "tag_v2", {}).get(_SAMPLES) or pixels.shape[2])
    if stated > 1 and getattr(image, "tag_v2", {}).get(_PLANAR) == _APART:
        raise DepthError(
            f"{stated} channels over {_BITS} bits, each apart from the others; expected them pixel by pixel: "
            "gdal_translate -co INTERLEAVE=PIXEL"
        )
    if pixels.shape[2] != stated or stated == 2:
        raise DepthError(f"{stated} channels over {_BITS} bits; {_CONVERT}")
    return np.asarray(pixels[..., 2::-1] if pixels.shape[2] > 2 else pixels)


def _decoded(content: bytes) -> npt.NDArray[Any] | None:
    """What OpenCV makes of a file; None where it is broken. Raises ValueError for one that it finds too large."""
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as e:
        raise ValueError(e.err or "OpenCV cannot decode it") from e


_CONVERT = f"expected PNG or TIFF of grey or RGB: convert it, to {_BITS} bits or to one of these"

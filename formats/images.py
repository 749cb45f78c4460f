"""Images on disk: files to RGB arrays and back to JPEG, and the cutting of crops."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from formats.crops import Box
from formats.errors import SagesegError

Rgb = npt.NDArray[np.uint8]
"""An image, shape (height, width, 3), dtype uint8, red first."""

JPEG_QUALITY = 95
_JPEG_START = b"\xff\xd8"
JPEG_SUBSAMPLING = "420"


def read_image(path: Path) -> Rgb:
    """Decode a JPEG, or any other 8-bit image that Pillow reads, to RGB.

    Raises SagesegError when the file is missing, truncated or no image.
    """
    try:
        content = path.read_bytes()
        return decode_image(content) if content.startswith(_JPEG_START) else _decode_other(content)
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected an image") from e
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as e:
        raise SagesegError(f"{path}: cannot be read as an image ({e}); replace the file") from e


def _decode_other(content: bytes) -> Rgb:
    with Image.open(BytesIO(content)) as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"mode {image.mode}, expected 8 bits a channel")
        return np.asarray(image.convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """The (width, height) that an image's header states, without decoding it."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
        raise SagesegError(f"{path}: cannot be read as an image ({e}); replace the file") from e


def decode_image(content: bytes) -> Rgb:
    """Decode the bytes of a JPEG, colour or grey, to RGB. Raises ValueError when they are broken."""
    return np.asarray(simplejpeg.decode_jpeg(content, colorspace="RGB"))


def encode_image(image: Rgb) -> bytes:
    """Encode RGB as JPEG at the project's quality (95, 4:2:0)."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image), JPEG_QUALITY, "RGB", JPEG_SUBSAMPLING))


def cut_image(image: Rgb, crop: Box) -> Rgb:
    """A crop of an image; beyond the edge its last pixels are repeated."""
    inside = image[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    below, right = crop.height - inside.shape[0], crop.width - inside.shape[1]
    return np.pad(inside, [(0, below), (0, right), (0, 0)], mode="edge") if below or right else inside

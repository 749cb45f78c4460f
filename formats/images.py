"""Images on disk: JPEG in and out of RGB arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg

from formats.errors import SagesegError

Rgb = npt.NDArray[np.uint8]
"""An image, shape (height, width, 3), dtype uint8, red first."""

JPEG_QUALITY = 95
JPEG_SUBSAMPLING = "420"


def read_image(path: Path) -> Rgb:
    """Decode a JPEG file. Raises SagesegError when it is missing, truncated or no JPEG."""
    try:
        return decode_image(path.read_bytes())
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected a JPEG image") from e
    except ValueError as e:
        raise SagesegError(f"{path}: cannot be read as JPEG ({e}); replace the file") from e


def decode_image(content: bytes) -> Rgb:
    """Decode the bytes of a JPEG, colour or grey, to RGB. Raises ValueError when they are broken."""
    return np.asarray(simplejpeg.decode_jpeg(content, colorspace="RGB"))


def encode_image(image: Rgb) -> bytes:
    """Encode RGB as JPEG at the project's quality (95, 4:2:0)."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image), JPEG_QUALITY, "RGB", JPEG_SUBSAMPLING))

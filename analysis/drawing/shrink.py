"""Images made small, and put into a page as text."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from formats.images import Rgb

_EFFORT = 2
"""WebP's method, 0 to 6: more takes twice the time for a twentieth of the bytes."""
_LEAST_QUALITY = 10


def data_uri(kind: str, content: bytes) -> str:
    """An image file's bytes as an address that needs no file."""
    return f"data:image/{kind};base64," + b64encode(content).decode("ascii")


def encode_small(image: Rgb, quality: int, most: int | None = None) -> str:
    """A small image as the data: URI of a WebP, which takes half of a JPEG's bytes; of less quality, down to a tenth,
    where it would have more bytes than `most`."""
    content = BytesIO()
    Image.fromarray(image).save(content, "WEBP", quality=quality, method=_EFFORT)
    if most and len(content.getvalue()) > most and quality > _LEAST_QUALITY:
        return encode_small(image, max(_LEAST_QUALITY, quality - 25), most)
    return data_uri("webp", content.getvalue())


def shrink(image: Rgb, size: tuple[int, int]) -> Rgb:
    """An image at a smaller (width, height). Halving first is exact, and in cv2 five times as fast
    as averaging over an area of any size at once."""
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    if (image.shape[1], image.shape[0]) == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)

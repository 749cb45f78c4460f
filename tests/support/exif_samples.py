"""Images that an EXIF orientation turns."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

_UNDO = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""For each orientation the transposition that it undoes."""


def as_stored(upright: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """The pixels that the orientation turns into these."""
    image = Image.fromarray(upright)
    return np.asarray(image if orientation == 1 else image.transpose(Image.Transpose(_UNDO[orientation])))


def with_orientation(pixels: np.ndarray[Any, Any], orientation: int, kind: str = "JPEG", *, mode: str = "") -> bytes:
    """Stored pixels as a file whose EXIF says how they are to be turned; with `mode` P as a palette image of them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    if mode == "P":
        image.putpalette([value for grey in range(256) for value in (grey, 255 - grey, 7)])
    buffer = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    image.save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()

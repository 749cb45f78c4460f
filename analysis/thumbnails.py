"""Small layers of one image for the page: the image, its masks and their difference."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.images import Rgb
from formats.masks import Mask

LONG_SIDE = 360
MASK_BACKGROUND, MASK_FOREGROUND, MASK_IGNORED = (24, 27, 32), (240, 242, 245), (110, 116, 126)


@dataclass(frozen=True)
class Layers:
    """Thumbnails of one size, each as a data: URI."""

    width: int
    height: int
    image: str
    truth: str
    prediction: str
    difference: str


def draw_layers(image: Rgb, truth: Mask, prediction: Mask, difference: Rgb, num_classes: int) -> Layers:
    """Shrink an image, its masks and their difference to thumbnails of at most LONG_SIDE pixels."""
    height, width = truth.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    palette = mask_palette(num_classes)
    return Layers(
        *size,
        image=_jpeg_uri(cv2.resize(image, size, interpolation=cv2.INTER_AREA)),
        truth=_mask_uri(_shrink_mask(truth, size), palette),
        prediction=_mask_uri(_shrink_mask(prediction, size), palette),
        difference=_jpeg_uri(cv2.resize(difference, size, interpolation=cv2.INTER_AREA)),
    )


def mask_palette(num_classes: int) -> Rgb:
    """The colours that masks have on the page, shape (256, 3): VOC's, but white for a single
    foreground class, whose dark red would read as a mistake beside the difference."""
    palette = voc_palette().copy()
    palette[0], palette[IGNORE] = MASK_BACKGROUND, MASK_IGNORED
    if num_classes == 2:
        palette[1] = MASK_FOREGROUND
    return palette


def _shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def encode_jpeg(image: Rgb, quality: int) -> bytes:
    """RGB as JPEG without chroma subsampling, which would smear lines of colour one pixel wide."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def _jpeg_uri(image: npt.NDArray[Any]) -> str:
    return "data:image/jpeg;base64," + b64encode(encode_jpeg(image, quality=80)).decode("ascii")


def _mask_uri(mask: Mask, palette: Rgb) -> str:
    image = Image.fromarray(mask)
    image.putpalette(palette.tobytes())
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + b64encode(buffer.getvalue()).decode("ascii")

"""Small layers of one image for the page: the image, and over it its masks and their difference."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from analysis.drawing.colours import AgreementColours
from analysis.drawing.layers import difference_palette, encode_palette_png, tint_palette
from analysis.drawing.shrink import data_uri, shrink
from analysis.report_files import layer_name
from formats.images import read_image
from formats.masks import Mask, read_mask

LONG_SIDE = 480
_QUALITY = 75


def draw_thumbnails(report: Path, num_classes: int, colours: AgreementColours, stem: str) -> dict[str, str]:
    """The layers that a report has of an image, shrunk to at most LONG_SIDE pixels, as data: URIs by
    layer: `image` is a JPEG, the others are PNGs that are clear where they show nothing."""
    image = read_image(report / layer_name("image", stem))
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    tints = tint_palette(num_classes)
    palettes = {"truth": tints, "prediction": tints, "difference": difference_palette(colours)}
    masks = {layer: _shrink_mask(read_mask(report / layer_name(layer, stem)), size) for layer in palettes}
    return {
        "image": data_uri("jpeg", simplejpeg.encode_jpeg(shrink(image, size), _QUALITY, "RGB", "420")),
        **{layer: data_uri("png", encode_palette_png(masks[layer], palettes[layer])) for layer in palettes},
    }


def _shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)

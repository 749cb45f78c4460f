"""What the page holds inside of one image: the image made small, and the pairs of its classes as small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import simplejpeg

from analysis.drawing.pairs import pack, read_layers
from analysis.drawing.shrink import data_uri, shrink
from analysis.report_files import layer_name
from formats.images import read_image

LONG_SIDE = 340
_QUALITY = 70


def draw_thumbnail(report: Path, stem: str) -> dict[str, Any]:
    """What a report has of an image, at most LONG_SIDE pixels wide and high: the `image` as the data: URI of a JPEG,
    and its `pairs` as `analysis.drawing.pairs.pack` writes them, of `width` and `height`."""
    image = read_image(report / layer_name("image", stem))
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = read_layers(report / layer_name("pairs", stem)).shrunk(size)
    jpeg = simplejpeg.encode_jpeg(shrink(image, size), _QUALITY, "RGB", "420")
    return {"image": data_uri("jpeg", jpeg), "pairs": pack(small.runs), "width": size[0], "height": size[1]}

"""What the page holds inside of one image: the image made small, and the pairs of its classes as small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.drawing.shrink import encode_small, shrink
from analysis.masks.pairs import Layers, pack, read_layers
from analysis.report_files import layer_name
from formats.images import Rgb, read_image_reduced

LONG_SIDE = 340
_QUALITY = 60
MOST_IMAGE, MOST_PAIRS = 5_000, 2_500
"""Bytes, and letters: what a busy image may take of a page that holds hundreds."""
_ADDRESS = 200
"""Three times the letters around an image's own in its address, at most."""


def draw_thumbnail(report: Path, stem: str) -> dict[str, Any]:
    """What a report has of an image, at most LONG_SIDE pixels wide and high: the `image` as a data: URI, and its
    `pairs` as `analysis.masks.pairs.pack` writes them, of `width` and `height`, smaller yet where they change from
    pixel to pixel."""
    layers = read_layers(report / layer_name("pairs", stem))
    size = _fitting(layers.size)
    image = read_image_reduced(report / layer_name("image", stem), size)
    small, pairs = _small_pairs(layers, size)
    return {"image": _small_image(image, size), "pairs": pairs, "width": small[0], "height": small[1]}


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LONG_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _small_image(image: Rgb, size: tuple[int, int]) -> str:
    """The image at a size, or, where that is noise that no quality makes small, at a half of it."""
    drawn = encode_small(shrink(image, size), _QUALITY, MOST_IMAGE)
    if 3 * len(drawn) <= 4 * MOST_IMAGE + _ADDRESS or min(size) == 1:
        return drawn
    return _small_image(image, (size[0] // 2, size[1] // 2))


def _small_pairs(layers: Layers, size: tuple[int, int]) -> tuple[tuple[int, int], str]:
    """The pairs at a size, or at a half, a quarter … of it, and that size."""
    pairs = pack(layers.shrunk(size).runs)
    if len(pairs) <= MOST_PAIRS or min(size) == 1:
        return size, pairs
    return _small_pairs(layers, (size[0] // 2, size[1] // 2))

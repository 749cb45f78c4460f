"""The images of the preview's page: crops with their masks laid over, and maps of kept crops."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.crops import Box, owned_boxes
from formats.dataset import Dataset
from formats.images import Rgb, read_image
from formats.manifest import ManifestRow
from formats.masks import Mask, read_mask, resize_mask
from formats.prepared.label_map import LabelMap
from formats.prepared.resampling import resize_image
from formats.prepared.resize import recorded_resize, resized_size

LONG_SIDE = 300
MAP_LONG_SIDE = 560
_ONE_CLASS, _IGNORED = (255, 92, 40), (236, 236, 236)
_OPACITY = 0.45
_GREY = 128


@dataclass(frozen=True)
class Drawing:
    """An image of the page as a data: URI, its size in pixels, and what it shows."""

    uri: str
    width: int
    height: int
    title: str


@dataclass(frozen=True)
class CropMap:
    """An image put together of its crops; `kept` and `dropped` are the parts of it that each crop owns."""

    split: str
    drawing: Drawing
    kept: tuple[Box, ...]
    dropped: tuple[Box, ...]
    width: int
    height: int


def page_palette(num_classes: int) -> Rgb:
    """The colours of the page, shape (256, 3): VOC's, but a bright one for a single class, whose dark
    red would be lost on an image."""
    palette = voc_palette().copy()
    palette[IGNORE] = _IGNORED
    if num_classes == 2:
        palette[1] = _ONE_CLASS
    return palette


def draw_crop(dataset: Dataset, row: ManifestRow, label_map: LabelMap | None = None) -> Drawing:
    """A crop with its mask laid over, as a job reads it."""
    mask = read_crop_mask(dataset, row, label_map)
    return draw_pixels(read_image(dataset.image_path(row.id)), mask, row.id, len(dataset.classes))


def read_crop_mask(dataset: Dataset, row: ManifestRow, label_map: LabelMap | None = None) -> Mask:
    path = dataset.mask_path(row.id)
    return label_map.apply(read_mask(path), path) if label_map else read_mask(path)


def draw_pixels(image: Rgb, mask: Mask, title: str, num_classes: int) -> Drawing:
    """An image of at most LONG_SIDE with its mask laid over."""
    height, width = mask.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return _drawing(lay_over(resize_image(image, *size), resize_mask(mask, *size), page_palette(num_classes)), title)


def lay_over(image: Rgb, mask: Mask, palette: Rgb) -> Rgb:
    """An image tinted by its mask's colours, with a full line where the class changes."""
    tinted = image * (1 - _OPACITY) + palette[mask] * _OPACITY
    drawn = np.where((mask > 0)[:, :, None], tinted, image).astype(np.uint8)
    drawn[_edges(mask)] = palette[mask[_edges(mask)]]
    return drawn


def _edges(mask: Mask) -> npt.NDArray[np.bool_]:
    padded = np.pad(mask, 1, mode="edge")
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.asarray((mask > 0) & np.any([neighbour != mask for neighbour in neighbours], axis=0))


def draw_map(dataset: Dataset, rows: Sequence[ManifestRow]) -> CropMap:
    """All crops of one image in their places, at a small scale; dropped crops stay grey."""
    first = rows[0]
    width, height = resized_size(first.source_width, first.source_height, recorded_resize(dataset.info))
    scale = min(1.0, MAP_LONG_SIDE / max(width, height))
    canvas = np.full((max(1, round(height * scale)), max(1, round(width * scale)), 3), _GREY, np.uint8)
    for row in rows:
        if row.kept:
            _paste(canvas, read_image(dataset.image_path(row.id)), row, scale)
    owned = owned_boxes([row.box for row in rows], width, height)
    kept, dropped = (tuple(owned[row.box] for row in rows if row.kept is state) for state in (True, False))
    return CropMap(first.split, _drawing(canvas, first.source), kept, dropped, width, height)


def _paste(canvas: Rgb, image: Rgb, row: ManifestRow, scale: float) -> None:
    left, top = round(row.x * scale), round(row.y * scale)
    right, bottom = round((row.x + row.width) * scale), round((row.y + row.height) * scale)
    small = resize_image(image, max(1, right - left), max(1, bottom - top))
    inside = canvas[top:bottom, left:right]
    inside[:] = small[: inside.shape[0], : inside.shape[1]]


def _drawing(pixels: Rgb, title: str) -> Drawing:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=82)
    uri = "data:image/jpeg;base64," + b64encode(buffer.getvalue()).decode("ascii")
    return Drawing(uri, pixels.shape[1], pixels.shape[0], title)

"""Images of the preview's page in two layers, the image and its mask, as the page's script takes them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import simplejpeg
from PIL import Image

from formats.classes import IGNORE, voc_palette
from formats.crops import Box
from formats.dataset import Dataset
from formats.images import Rgb, image_errors
from formats.manifest import ManifestRow
from formats.masks import Mask, read_mask, resize_mask
from formats.prepared.label_map import LabelMap
from formats.prepared.resampling import resize_image

Item = TypeVar("Item")

CROP_SIDES = (384, 288, 224, 160, 128, 96)
"""Long sides of crops on the page: the largest at which all of them are a small page (`draw_within`)."""
CHANGED_SIDE = 288
MASK_SIDE = 512
"""The longest side of masks, which pack well, and stay sharp where they are shown large."""
_ONE_CLASS, _IGNORED = (255, 92, 40), (236, 236, 236)
_TRIED, _SHORT = 5, 128
_QUALITY, _EFFORT = 70, 2
"""Of WebP: at effort 2 of 6 half the bytes of JPEG, in half the time of the default."""


@dataclass(frozen=True)
class Drawing:
    """An image and its mask, clear where there is background, as data: URIs. `width` and `height` are those of what
    is shown, in pixels of the dataset; `file` is its image in the dataset, if it is one. Of a whole image `kept` and
    `dropped` are the parts that each crop owns, and `behind` says whether dropped ones are shown by their pixels."""

    key: str
    name: str
    about: str
    image: str
    mask: str
    width: int
    height: int
    file: str | None = None
    kept: tuple[Box, ...] = field(default=())
    dropped: tuple[Box, ...] = field(default=())
    behind: bool = False

    def to_json(self) -> dict[str, Any]:
        """What the script reads."""
        told = {"name": self.name, "about": self.about, "image": self.image, "mask": self.mask}
        return told | {"width": self.width, "height": self.height, "file": self.file}


def page_palette(num_classes: int) -> Rgb:
    """The colours of the page, shape (256, 3): VOC's, but a bright one for a single class, whose dark
    red would be lost on an image."""
    palette = voc_palette().copy()
    palette[IGNORE] = _IGNORED
    if num_classes == 2:
        palette[1] = _ONE_CLASS
    return palette


def draw_crop(dataset: Dataset, row: ManifestRow, side: int, label_map: LabelMap | None = None) -> Drawing:
    """A crop with its mask, as a job reads it."""
    image, mask = read_at_least(dataset, row, side), read_crop_mask(dataset, row, label_map)
    size = fit(row.width, row.height, side)
    return Drawing(
        key=f"crop={row.id}",
        name=row.id,
        about=f"{row.split} · {row.group} · {row.width} × {row.height}",
        image=encode_picture(resize_image(image, *size)),
        mask=encode_clear(resize_mask(mask, *fit(row.width, row.height, _mask_side(side))), len(dataset.classes)),
        width=row.width,
        height=row.height,
        file=f"JPEGImages/{row.id}.jpg",
    )


def draw_within(
    items: Sequence[Item], sides: Sequence[int], most: int, draw: Callable[[Item, int], Drawing]
) -> list[Drawing]:
    """All drawn at the largest of `sides`, which fall, at which they take `most` bytes of the page, as a few of them
    say; else at the last."""
    if not items:
        return []
    few = items[:: -(-len(items) // _TRIED)]
    side = next((side for side in sides if _bytes(few, side, draw) * len(items) <= most * len(few)), sides[-1])
    return [draw(item, side) for item in items]


def _bytes(items: Sequence[Item], side: int, draw: Callable[[Item, int], Drawing]) -> int:
    return sum(len(drawing.image) + len(drawing.mask) for drawing in (draw(item, side) for item in items))


def draw_pixels(image: Rgb, mask: Mask, key: str, told: tuple[str, str], num_classes: int) -> Drawing:
    """Any image and mask of one size; `told` is its name, and what else there is to say."""
    height, width = mask.shape
    small = resize_image(image, *fit(width, height, CHANGED_SIDE))
    clear = encode_clear(resize_mask(mask, *fit(width, height, MASK_SIDE)), num_classes)
    return Drawing(key, *told, encode_picture(small), clear, width, height)


def _mask_side(side: int) -> int:
    """Twice the image's, but where the page is short of room."""
    return min(MASK_SIDE, 2 * side) if side > _SHORT else side


def read_crop_mask(dataset: Dataset, row: ManifestRow, label_map: LabelMap | None = None) -> Mask:
    path = dataset.mask_path(row.id)
    return label_map.apply(read_mask(path), path) if label_map else read_mask(path)


def read_at_least(dataset: Dataset, row: ManifestRow, side: int) -> Rgb:
    """A crop's image at the smallest of the scales that a JPEG decodes to, whose long side is not under `side`."""
    width, height = fit(row.width, row.height, side)
    path = dataset.image_path(row.id)
    with image_errors(path):
        return np.asarray(simplejpeg.decode_jpeg(path.read_bytes(), "RGB", min_width=width, min_height=height))


def fit(width: int, height: int, side: int) -> tuple[int, int]:
    """A size with its long side at most `side`, the aspect kept."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def encode_picture(pixels: Rgb) -> str:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    return "data:image/webp;base64," + b64encode(buffer.getvalue()).decode("ascii")


def encode_clear(mask: Mask, num_classes: int) -> str:
    """A mask in the colours of the page as a PNG that is clear where there is background."""
    colours = page_palette(num_classes)[[*range(num_classes), IGNORE]]
    ids = np.minimum(mask, np.uint8(num_classes))  # ignore follows the last class: a short palette is a small file
    image = Image.fromarray(ids)
    image.putpalette(colours.tobytes())
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=bytes([0, *[255] * num_classes]))
    return "data:image/png;base64," + b64encode(buffer.getvalue()).decode("ascii")

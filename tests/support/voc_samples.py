"""Small folders in VOC's layout, for the tests of its readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from formats.images import encode_image
from formats.masks import Mask

WIDTH, HEIGHT = 20, 16


def rows(*values: int) -> Mask:
    """A mask of zeros whose first rows have these values, one each."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[: len(values)] = np.array(values, np.uint8)[:, None]
    return mask


def whole(value: int) -> Mask:
    return np.full((HEIGHT, WIDTH), value, np.uint8)


def palette_image(mask: Mask, colours: list[tuple[int, int, int]]) -> Image.Image:
    """A mask as mode P with a palette of these colours."""
    image = Image.fromarray(mask)
    image.putpalette([level for colour in colours for level in colour])
    return image


def painted(mask: Mask, colours: list[tuple[int, int, int]]) -> Image.Image:
    """A mask as RGB, value n in the n-th colour."""
    return Image.fromarray(np.array(colours, np.uint8)[mask])


def add_image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    path.write_bytes(encode_image(pixels))


def add_mask(path: Path, mask: Mask | Image.Image) -> None:
    """An image as it is; an array as mode L."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(path)


def add_pair(root: Path, key: str, mask: Mask | Image.Image) -> None:
    add_image(root / "JPEGImages" / f"{key}.jpg")
    add_mask(root / "SegmentationClass" / f"{key}.png", mask)


def add_image_set(root: Path, name: str, *lines: str, ends: str = "\n") -> Path:
    """ImageSets/Segmentation/<name>.txt with these lines."""
    path = root / "ImageSets" / "Segmentation" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + ends for line in lines).encode())
    return path

"""Small sources of labels, and what a folder holds, for the tests of prep."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats.classes import ClassTable
from formats.images import Rgb, encode_image
from formats.masks import Mask, encode_mask, read_mask
from prep.readers.labelled_image import LabelledImage, Polygon, Source

WIDTH, HEIGHT = 150, 110
CLASSES = ClassTable(("_background_", "car"))


@dataclass(frozen=True)
class PngMask:
    """Truth as a mode-P PNG."""

    path: Path

    def read(self) -> Mask:
        return read_mask(self.path)


def noise(number: int, width: int = WIDTH, height: int = HEIGHT) -> Rgb:
    """An image like no other."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def square(number: int, width: int = WIDTH, height: int = HEIGHT) -> Mask:
    """A square of class 1 in the upper left, which leaves most crops of 64 empty."""
    mask = np.zeros((height, width), np.uint8)
    mask[5 + number : 40 + number, 7 : 50 + number] = 1
    return mask


def make_source(
    folder: Path,
    groups: Mapping[str, int],
    *,
    image: Callable[[int], Rgb] = noise,
    mask: Callable[[int], Mask] = square,
    regions: Mapping[str, tuple[Polygon, ...]] | None = None,
    classes: ClassTable = CLASSES,
) -> Source:
    """A source of `groups` (name → number of images) drawn by running number; `regions` by stem."""
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    names = [(group, f"{group}_{i}") for group, count in groups.items() for i in range(count)]
    for number, (group, stem) in enumerate(names):
        path, mask_path = folder / f"{stem}.jpg", folder / f"{stem}.png"
        path.write_bytes(encode_image(image(number)))
        mask_path.write_bytes(encode_mask(mask(number)))
        drawn = (regions or {}).get(stem, ())
        images.append(LabelledImage(path.name, path, PngMask(mask_path), group, {"number": str(number)}, drawn))
    return Source("sample", classes, tuple(images))


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

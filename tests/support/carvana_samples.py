"""A small shoot as Carvana's, for the tests of its reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from formats.images import encode_image
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana

CARS, ANGLES = ("0cdf5b5d0ce1", "0004d4463b50", "fff9b3a5373f"), ("01", "02")
WIDTH, HEIGHT = 150, 110


def draw(folder: Path, cars: tuple[str, ...] = CARS) -> tuple[Path, Path]:
    """A shoot of noise with one square car, which leaves some crops of 64 empty."""
    images, masks = folder / "images", folder / "masks"
    images.mkdir(parents=True)
    masks.mkdir()
    for number, (car, angle) in enumerate((car, angle) for car in cars for angle in ANGLES):
        pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        (images / f"{car}_{angle}.jpg").write_bytes(encode_image(pixels))
        Image.fromarray(mask_of(number)).convert("P").save(masks / f"{car}_{angle}_mask.gif")
    return images, masks


def mask_of(number: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5 + number : 40 + number, 7 : 60 + number] = 1
    return mask


def prepare(folder: Path, out: Path, options: PrepOptions = PrepOptions(crop=64, workers=1)) -> Path:  # noqa: B008
    write_dataset(read_carvana(folder / "images", folder / "masks", None, options.group_by), out, options)
    return out


def shoot_in(tmp_path: Path) -> Path:
    draw(tmp_path / "shoot")
    return tmp_path / "shoot"

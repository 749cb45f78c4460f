"""Masks drawn and saved as other programs do, and read back, for the tests of plain folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from analysis.masks.reading import read_prediction
from analysis.masks.sources import plan_sources
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.masks import Mask
from formats.predictions import Predictions
from tests.support.dataset_samples import CAR, disc_image, make_dataset

WIDTH, HEIGHT = 40, 24
STEMS = ("a_01", "a_02", "b_01")
SAMPLES = {stem: disc_image(WIDTH, HEIGHT, seed=seed) for seed, stem in enumerate(STEMS)}
THREE = ClassTable(("_background_", "car", "road"))


def masks(num_classes: int = 2) -> dict[str, Mask]:
    """A mask for each image, the last of them without class 1 where there are three."""
    made = {stem: mask.copy() for stem, (_, mask) in SAMPLES.items()}
    if num_classes == 3:
        for mask in made.values():
            mask[18:, :] = 2
        made["b_01"][made["b_01"] == 1] = 0
    return made


def with_palette(mask: Mask, colours: bytes) -> Image.Image:
    image = Image.fromarray(mask)
    image.putpalette(colours.ljust(768, b"\0"))
    return image


def write_all(root: Path, name: str, draw: Callable[[Mask], Image.Image], num_classes: int = 2) -> Path:
    """The masks of all images, drawn, in files called by `name` with the stem in it."""
    for stem, mask in masks(num_classes).items():
        path = root / name.format(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(mask).save(path)
    return root


def read_back(predictions: Predictions, dataset: Dataset | None = None) -> dict[str, Mask]:
    """Full-size masks by stem, as everything downstream reads them."""
    num_classes = len(predictions.classes or CAR)
    return {
        source.stem: read_prediction(predictions.root, source, num_classes)
        for source in plan_sources(predictions, dataset)
    }


def same(found: dict[str, Mask], expected: dict[str, Mask]) -> bool:
    return found.keys() == expected.keys() and all(np.array_equal(found[key], expected[key]) for key in expected)


def ids(mask: Mask) -> Image.Image:
    return Image.fromarray(mask)


def white(mask: Mask) -> Image.Image:
    return Image.fromarray(mask * 255)


def white_first(mask: Mask) -> Image.Image:
    return with_palette(1 - mask, bytes([255, 255, 255, 0, 0, 0]))


def white_rgba(mask: Mask) -> Image.Image:
    cut_out = np.repeat(mask[..., None] * 255, 4, axis=2)
    return Image.fromarray(cut_out)


def make_dataset_of_three(tmp_path: Path) -> Dataset:
    samples = {stem: (SAMPLES[stem][0], mask) for stem, mask in masks(3).items()}
    return make_dataset(tmp_path / "dataset", samples, classes=THREE)


def with_value(value: int) -> Callable[[Mask], Image.Image]:
    def draw(mask: Mask) -> Image.Image:
        changed = mask.copy()
        changed[0, 0] = value
        return Image.fromarray(changed)

    return draw

"""What training sees: random crops, as whoever trains draws them from the dataset's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from formats.dataset import Dataset
from formats.images import Rgb, read_image
from formats.masks import Mask
from formats.prepared.label_map import LabelMap
from prep.dataset.split import rank
from prep.preview.images import CHANGED_SIDE, Drawing, draw_crop, draw_pixels, read_crop_mask

SHOWN, DRAWS = 6, 3
"""Crops of the dataset, and how often each is changed."""

TrainingCrop = Callable[[Rgb, Mask, np.random.Generator], tuple[Rgb, Mask]]
"""Makes of an image and its mask what one step of a training sees of them."""


@dataclass(frozen=True)
class Augmentation:
    """How a training changes crops, in code and in words for a person."""

    crop: TrainingCrop
    seed: int
    told: str


@dataclass(frozen=True)
class Changed:
    """A crop of the dataset, and what becomes of it from one epoch to the next."""

    original: Drawing
    draws: tuple[Drawing, ...]


def draw_changed(dataset: Dataset, augmentation: Augmentation, label_map: LabelMap | None = None) -> list[Changed]:
    """Some training crops by chance of the seed; the same each time."""
    rows = sorted(dataset.kept("train"), key=lambda row: rank(augmentation.seed, row.id))[:SHOWN]
    changed = []
    for row in rows:
        image, mask = read_image(dataset.image_path(row.id)), read_crop_mask(dataset, row, label_map)
        rng = np.random.default_rng(int(rank(augmentation.seed, row.id)[:16], 16))
        drawn = []
        for number in range(1, DRAWS + 1):
            pixels = augmentation.crop(image, mask, rng)
            told = row.id, f"draw {number} of what training sees"
            drawn.append(draw_pixels(*pixels, f"draw={row.id}/{number}", told, len(dataset.classes)))
        changed.append(Changed(draw_crop(dataset, row, CHANGED_SIDE, label_map), tuple(drawn)))
    return changed

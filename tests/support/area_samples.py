"""Predictions whose areas are known, for the tests of analysis areas."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from formats.classes import ClassTable
from formats.masks import Mask
from formats.predictions import Predictions
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.typed_commands import typed

THREE = ClassTable(("_background_", "car", "cone"))


MASKS = {
    "shoot1_a": [(slice(2, 6), slice(2, 12), 1), (slice(20, 22), slice(0, 3), 1), (slice(10, 12), slice(20, 24), 2)],
    "shoot1_b": [(slice(2, 4), slice(2, 4), 1)],
    "shoot2_a": [(slice(10, 20), slice(10, 20), 2)],
}


def mask(stem: str) -> Mask:
    drawn = np.zeros((30, 40), np.uint8)
    for rows, columns, class_id in MASKS[stem]:
        drawn[rows, columns] = class_id
    return drawn


def predicted(tmp_path: Path) -> Predictions:
    images = {stem: (np.zeros((30, 40, 3), np.uint8), mask(stem)) for stem in MASKS}
    dataset = make_dataset(tmp_path / "dataset", images, crop=16, classes=THREE)
    return make_predictions(tmp_path / "predictions", dataset, {stem: mask(stem) for stem in MASKS}, dropped_too=True)


def run_areas(folder: Path, line: str) -> tuple[int, str, str]:
    ran = typed(["analysis", "areas", *line.split(), "--workers", "1"], folder)
    return ran.returncode, ran.stdout, ran.stderr

"""Scoring a folder against decoding its PNGs, and what each part of an image's numbers costs.

    .venv/bin/python benchmarks/analysis_scoring.py [MASKS…]     # your own masks, else drawn ones

One process, 1918 × 1280. The report does all parts for each image, on all cores.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from side_by_side import fastest, tell

from analysis.options import ScoringOptions
from analysis.scoring.boundary import count_boundaries
from analysis.scoring.class_windows import class_windows
from analysis.scoring.components import class_objects, find_components
from analysis.scoring.counts import count, no_counts
from analysis.scoring.image_measures import measure
from analysis.scoring.objects import false_positive_objects, missed_objects
from analysis.scoring.scores import score
from formats.console import result
from formats.masks import Mask, read_mask, write_mask

HEIGHT, WIDTH, IMAGES, ROUNDS = 1280, 1918, 16, 5
OPTIONS = ScoringOptions()


def drawn(seed: int) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wavy = 420 + 30 * np.sin(columns / (9 + seed)) + 12 * np.sin(rows / 5)
    return (((columns - 960) / 1.6) ** 2 + (rows - 640) ** 2 < wavy**2).astype(np.uint8)


def predicted(truth: Mask) -> Mask:
    """Wrong along its edge, a piece missing, and something where nothing is."""
    prediction = np.roll(truth, 3, axis=1)
    prediction[600:650, 800:900] = 0
    prediction[50:80, 100:160] = 1
    return prediction


def main() -> None:
    cv2.setNumThreads(1)
    given = [read_mask(Path(path)) for path in sys.argv[1:]]
    truths = given or [drawn(seed) for seed in range(IMAGES)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        for i, truth in enumerate(truths):
            write_mask(folder / f"{i}_truth.png", truth)
            write_mask(folder / f"{i}_predicted.png", predicted(truth))
        tell(f"{len(truths)} images: score the folder", "decode", folder_peers(folder, len(truths)), ROUNDS)
    tell_parts(truths[0], predicted(truths[0]))
    result(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def folder_peers(folder: Path, images: int) -> dict[str, Callable[[], None]]:
    paths = [(folder / f"{i}_truth.png", folder / f"{i}_predicted.png") for i in range(images)]

    def decode() -> None:
        for pair in paths:
            for path in pair:
                read_mask(path)

    def counted() -> None:
        total = no_counts(2)
        for true, prediction in paths:
            total += count(read_mask(true), read_mask(prediction), 2)
        score(total)

    def everything() -> None:
        for true, prediction in paths:
            measure(read_mask(true), read_mask(prediction), 2, OPTIONS)

    return {"decode": decode, "decode and count": counted, "decode and all numbers": everything}


def tell_parts(truth: Mask, prediction: Mask) -> None:
    windows = list(class_windows(truth, prediction, 2))
    objects = list(map(class_objects, windows))
    parts = {
        "count": lambda: count(truth, prediction, 2),
        "windows": lambda: list(class_windows(truth, prediction, 2)),
        "boundaries": lambda: count_boundaries(windows, truth.shape, 2, OPTIONS),
        "objects": lambda: list(map(class_objects, windows)),
        "components": lambda: find_components(objects, 2),
        "false positives": lambda: false_positive_objects(objects, 2, OPTIONS.halo),
        "missed": lambda: missed_objects(objects, 2, OPTIONS.halo),
        "all": lambda: measure(truth, prediction, 2, OPTIONS),
    }
    result("\none image, milliseconds")
    for name, seconds in fastest(parts, 20).items():
        result(f"  {name:<44} {seconds * 1e3:9.2f}")


if __name__ == "__main__":
    main()

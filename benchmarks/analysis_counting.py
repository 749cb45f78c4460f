"""Confusion matrices: analysis.scoring.counts against numpy's bincount, at 1918 × 1280.

    .venv/bin/python benchmarks/analysis_counting.py

Masks are patches of one class, as people draw them. Noise, where each pixel is drawn alone, is the
worst case: it has no runs to count.
"""

from __future__ import annotations

import cv2
import numpy as np
from side_by_side import tell

from analysis.scoring.counts import Confusion, count
from formats.masks import Mask

HEIGHT, WIDTH, ROUNDS = 1280, 1918, 30


def bincount(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    """What most code does."""
    codes = truth.astype(np.int64) * num_classes + prediction
    return np.bincount(codes.ravel(), minlength=num_classes**2).reshape(num_classes, num_classes)


def bincount_of_valid(truth: Mask, prediction: Mask, num_classes: int) -> Confusion:
    valid = truth != 255
    return bincount(truth[valid], prediction[valid], num_classes)


def patches(rng: np.random.Generator, num_classes: int) -> Mask:
    """Regions around 100 points, each of a class: some tens of runs in a row of pixels."""
    points = rng.random((100, 2)) * (WIDTH, HEIGHT)
    classes = rng.integers(0, num_classes, len(points)).astype(np.uint8)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = [(columns - x) ** 2 + (rows - y) ** 2 for x, y in points]
    return classes[np.argmin(distance, axis=0)]


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    for num_classes in (2, 21):
        smooth = patches(rng, num_classes)
        noise = rng.integers(0, num_classes, (2, HEIGHT, WIDTH)).astype(np.uint8)
        for name, truth, prediction in (("masks", smooth, np.roll(smooth, 5, axis=1)), ("noise", *noise)):
            for ignored in (False, True):
                if ignored:
                    truth = truth.copy()  # noqa: PLW2901
                    truth[:, 300:340] = 255
                plain = bincount_of_valid if ignored else bincount
                if not np.array_equal(plain(truth, prediction, num_classes), count(truth, prediction, num_classes)):
                    raise SystemExit("the counts differ")
                arguments = truth, prediction, num_classes
                tell(
                    f"{num_classes} classes, {name}{', with ignore' if ignored else ''}",
                    "analysis.scoring.counts.count",
                    {
                        "analysis.scoring.counts.count": lambda a=arguments: count(*a),
                        "numpy.bincount": lambda a=arguments, f=plain: f(*a),
                    },
                    ROUNDS,
                )


if __name__ == "__main__":
    main()

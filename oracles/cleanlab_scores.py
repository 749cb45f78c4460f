"""What cleanlab makes of labels and probabilities, for oracles/cleanlab_suspects.py.

    .venv/cleanlab/bin/python oracles/cleanlab_scores.py given.npz answered.npz

Runs in cleanlab's own environment. cleanlab knows no ignore: such pixels are given to it as right and sure.
"""

from __future__ import annotations

import sys

import numpy as np
from cleanlab.segmentation.rank import get_label_quality_scores

IGNORE = 255
METHODS = {
    "softmin": {"method": "softmin"},
    "num_pixel_issues": {"method": "num_pixel_issues", "n_jobs": 1},
    "softmin, temperature 0.05": {"method": "softmin", "temperature": 0.05},
    "softmin, temperature 0.2": {"method": "softmin", "temperature": 0.2},
    "num_pixel_issues, downsample 4": {"method": "num_pixel_issues", "n_jobs": 1, "downsample": 4},
}


def main() -> None:
    with np.load(sys.argv[1]) as given:
        labels, probabilities = given["labels"].astype(np.int64), given["probabilities"].astype(np.float32)
    probabilities /= probabilities.sum(1, keepdims=True)
    ignored, likeliest = labels == IGNORE, probabilities.argmax(1)
    sure = np.eye(probabilities.shape[1], dtype=np.float32)[likeliest].transpose(0, 3, 1, 2)
    labels, probabilities = np.where(ignored, likeliest, labels), np.where(ignored[:, None], sure, probabilities)
    np.savez(sys.argv[2], **{name: 1 - score(labels, probabilities, settings) for name, settings in METHODS.items()})


def score(labels: np.ndarray, probabilities: np.ndarray, settings: dict) -> np.ndarray:
    """One method's label quality of each image."""
    qualities, _ = get_label_quality_scores(labels, probabilities, verbose=False, **settings)
    return qualities


if __name__ == "__main__":
    main()

"""A report whose images have the same few wrong objects, and layer files with probabilities."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from analysis.report.report import report
from formats.classes import IGNORE, ClassTable
from formats.masks import Mask
from tests.support.dataset_samples import make_dataset, make_predictions

WIDTH, HEIGHT = 240, 160
ODD = "odd 50%+&=#ä"
STEMS = ("a_01", "a_02", "b_01", ODD)
RIGHT = "b_01"
"""The image in which nothing is wrong, and of which there are no probabilities."""
CLASSES = ClassTable(("_background_", "car", "road"))
SUSPECT = {"x": 60, "y": 90, "width": 30, "height": 20, "pixels": 500}


def sample_truth() -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:60, 20:60] = 1
    mask[20:60, 100:160] = 2
    mask[150:] = IGNORE
    return mask


def sample_prediction() -> Mask:
    mask = np.where(sample_truth() == IGNORE, 0, sample_truth()).astype(np.uint8)
    mask[20:60, 20:30] = 0
    mask[20:60, 100:120] = 1
    mask[100:130, 180:230] = 2
    return mask


def make_viewed_report(root: Path) -> Path:
    """The folder of the report below `root`."""
    truth = sample_truth()
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    dataset = make_dataset(root / "dataset", dict.fromkeys(STEMS, (image, truth)), classes=CLASSES)
    right = np.where(truth == IGNORE, 0, truth).astype(np.uint8)
    masks = {stem: right if stem == RIGHT else sample_prediction() for stem in STEMS}
    report(make_predictions(root / "predictions", dataset, masks), dataset, root / "report", workers=1)
    grey = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    for stem in set(STEMS) - {RIGHT}:
        add_to_layers(root / "report", stem, {"suspects": [SUSPECT], "probability": grey_jpeg(grey)})
    return root / "report"


def grey_jpeg(grey: Mask) -> str:
    encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def add_to_layers(report_folder: Path, stem: str, more: dict[str, Any]) -> None:
    path = report_folder / "layers" / "pairs" / f"{stem}.js"
    known = json.loads(path.read_text()[len("takeLayers(") : -len(")\n")])
    path.write_text(f"takeLayers({json.dumps({**known, **more})})\n")

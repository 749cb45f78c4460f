"""Reports of few images to compare, for the tests of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.comparison.differences import paired_intervals
from analysis.options import ScoringOptions
from analysis.report.report import report
from analysis.scoring.intervals import Interval
from formats.arrays import Floats
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.tables import table_of

STEMS = ("a_01", "a_02", "b_01", "c_01")
SAMPLES = {stem: disc_image(60, 50, seed=n) for n, stem in enumerate(STEMS)}


def make_report(folder: Path, dataset: Dataset, shifts: Mapping[str, int], model: ModelFacts | None = None) -> Path:
    """The report of a model that is so many pixels off, by image."""
    masks = {stem: np.roll(SAMPLES[stem][1], by, axis=1) for stem, by in shifts.items()}
    root, model = folder.with_name(folder.name + "-predictions"), model or ModelFacts(job=folder.name)
    predictions = make_predictions(root, dataset, masks, model=model)
    report(predictions, dataset, folder, workers=1, scoring=ScoringOptions(partial=True, draws=20))
    return folder


def make_good(root: Path, dataset: Dataset) -> Path:
    epochs = [{"epoch": n, "train_loss": 1 / (n + 1), "validation_mIOU": n / 5} for n in range(4)]
    model = ModelFacts(job="good", algorithm="deeplab", hyperparameters={"lr": "1"}, seconds=865, epochs=epochs)
    return make_report(root / "good", dataset, {"a_01": 0, "a_02": 1, "b_01": 1, "c_01": 2}, model)


def make_poor(root: Path, dataset: Dataset) -> Path:
    epochs = [{"epoch": n, "train_loss": 2 / (n + 1), "validation_mIOU": n / 9} for n in range(6)]
    given = {"momentum": "0.9"}
    model = ModelFacts(job="poor", algorithm="fcn", hyperparameters=given, seconds=400, epochs=epochs)
    return make_report(root / "poor", dataset, {"a_01": 4, "a_02": 4, "b_01": 9, "c_01": 1}, model)


def make_several(root: Path) -> list[Path]:
    """Two reports of three classes, of which one is in no image: `left` is off in cars, `right` in roads."""
    images = {}
    for stem, (image, mask) in SAMPLES.items():
        road = mask.copy()
        road[40:][road[40:] == 0] = 2
        images[stem] = image, road
    classes = ClassTable(("_background_", "car", "road", "pole"))
    dataset = make_dataset(root / "several", images, classes=classes)
    made = []
    for name, off in (("left", 1), ("right", 2)):
        masks = {}
        for number, (stem, (_, mask)) in enumerate(images.items()):
            masks[stem] = mask.copy()
            masks[stem][(np.roll(mask, number, axis=0) != mask) & (mask == off)] = 0
        predictions = make_predictions(root / f"p-{name}", dataset, masks, model=ModelFacts(job=name))
        report(predictions, dataset, root / name, workers=1, scoring=ScoringOptions(draws=20))
        made.append(root / name)
    return made


def ious(folder: Path) -> dict[str, float]:
    return {row["stem"]: float(row["iou_car"]) for row in table_of(folder / "images.csv")}


def paired_interval(differences: Floats, groups: Sequence[str]) -> Interval:
    """The interval of the mean of differences of images, shape (images,)."""
    return paired_intervals(differences[:, None], groups)[0]


def page_of(folder: Path) -> Page:
    return Page((folder / "index.html").read_text())

"""What may be wrong with predictions and truth: each is one line that names it, and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.cli import app
from formats.console import run_app
from formats.dataset import Dataset
from formats.manifest import write_manifest
from formats.masks import write_mask
from formats.predictions import Predictions, write_probabilities
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares

IMAGES = {"a_01": disc_image(60, 50, seed=1), "b_01": disc_image(60, 50, seed=2)}
Spoil = Callable[[Predictions, Dataset], Path]


def rgb_prediction(predictions: Predictions, dataset: Dataset) -> Path:
    path = predictions.mask_path("a_01")
    Image.new("RGB", (60, 50)).save(path)
    return path


def deep_prediction(predictions: Predictions, dataset: Dataset) -> Path:
    path = predictions.mask_path("a_01")
    Image.fromarray(np.zeros((50, 60), np.uint16)).save(path)
    return path


def rgb_truth(predictions: Predictions, dataset: Dataset) -> Path:
    path = dataset.mask_path("b_01")
    Image.new("RGB", (60, 50)).save(path)
    return path


def unknown_prediction(predictions: Predictions, dataset: Dataset) -> Path:
    path = predictions.mask_path("a_01")
    write_mask(path, np.full((50, 60), 7, np.uint8))
    return path


def unknown_truth(predictions: Predictions, dataset: Dataset) -> Path:
    path = dataset.mask_path("a_01")
    write_mask(path, np.full((50, 60), 7, np.uint8))
    return path


def small_prediction(predictions: Predictions, dataset: Dataset) -> Path:
    path = predictions.mask_path("a_01")
    write_mask(path, np.zeros((25, 30), np.uint8))
    return path


def large_truth(predictions: Predictions, dataset: Dataset) -> Path:
    path = dataset.mask_path("a_01")
    write_mask(path, np.zeros((100, 120), np.uint8))
    return path


def no_image_of_it(predictions: Predictions, dataset: Dataset) -> Path:
    other = replace(predictions.rows[0], id="other", source="other.jpg")
    write_mask(predictions.mask_path("other"), np.zeros((50, 60), np.uint8))
    write_manifest(predictions.root / "manifest.csv", [*predictions.rows, other])
    return Path("other")


def no_prediction_of_it(predictions: Predictions, dataset: Dataset) -> Path:
    write_manifest(predictions.root / "manifest.csv", predictions.rows[:1])
    return Path("b_01.jpg")


def nothing_at_all(predictions: Predictions, dataset: Dataset) -> Path:
    write_manifest(predictions.root / "manifest.csv", [])
    return predictions.root


def not_a_number(predictions: Predictions, dataset: Dataset) -> Path:
    write_shares(predictions, 0.9)
    path = predictions.probabilities_path("b_01")
    write_probabilities(path, np.full((2, 50, 60), np.nan))
    return path


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (rgb_prediction, "mode RGB; expected a mask of mode P"),
        (deep_prediction, "mode I;16; expected a mask of mode P"),
        (rgb_truth, "mode RGB; expected a mask of mode P"),
        (unknown_prediction, "predicted value 7 is no class; expected 0 to 1"),
        (unknown_truth, "value 7 is no class; expected 0 to 1, or 255 for ignore"),
        (small_prediction, "30×25 pixels; expected 60×50"),
        (large_truth, "120×100 pixels; expected 60×50"),
        (no_image_of_it, "predicted, but"),
        (no_prediction_of_it, "images of the predicted split without a prediction, 1 in all: "),
        (nothing_at_all, "no predictions in its manifest.csv"),
        (not_a_number, "holds nan; expected probabilities from 0 to 1"),
    ],
)
def test_one_clear_line(
    spoil: Spoil, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    dataset = make_dataset(tmp_path / "dataset", IMAGES)
    predictions = make_predictions(
        tmp_path / "predictions", dataset, {stem: mask for stem, (_, mask) in IMAGES.items()}
    )
    named = spoil(predictions, dataset)
    out = tmp_path / "out"
    words = ["report", predictions.root, "--dataset", dataset.root, "--out", out, "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["analysis", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    assert stopped.value.code == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("scoring: ")]
    assert line.startswith("error: ")
    assert str(named) in line
    assert said in line
    assert not out.exists()

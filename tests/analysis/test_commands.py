"""The commands around stitching and scoring, as a person types them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import app
from formats.console import run_app
from formats.dataset import Dataset
from formats.masks import read_mask
from formats.predictions import Predictions, open_predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares

IMAGES = {f"car{n}_0{n}": disc_image(80, 60, seed=n) for n in range(3)}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32, overlap=8)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    masks = {stem: mask for stem, (_, mask) in IMAGES.items()}
    made = make_predictions(tmp_path / "predictions", dataset, masks, dropped_too=True)
    write_shares(made, 0.9)
    return made


class Command:
    """Runs `analysis …` and keeps what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *words: object) -> int:
        self._monkeypatch.setattr(sys, "argv", ["analysis", *map(str, words), "--workers", "1"])
        with pytest.raises(SystemExit) as stopped:
            run_app(app)
        self.out, self.err = self._capsys.readouterr()
        return int(stopped.value.code or 0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_stitch_blends_audits_seams_and_says_so(
    run: Command, predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("stitch", predictions.root, "--dataset", dataset.root, "--out", out, "--seams") == 0
    assert f"masks from {len(predictions.rows)} crops, by blend" in run.err
    assert "seams: 0.00% wrong inside crops, and no more at their edges" in run.err
    assert json.loads((out / "seams.json").read_text())["overlap_pixels"] == 0
    inner = tmp_path / "inner"
    assert run("stitch", predictions.root, "--out", inner, "--by", "inner") == 0
    assert "by inner" in run.err
    assert not (inner / "seams.json").exists()
    assert run("stitch", predictions.root, "--out", tmp_path / "none", "--seams") == 1
    assert "--seams compares with true masks; add --dataset" in run.err


def test_combine_then_stitch(run: Command, predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    other = make_predictions(tmp_path / "other", dataset, {stem: mask * 0 for stem, (_, mask) in IMAGES.items()})
    assert run("combine", predictions.root, predictions.root, "--out", tmp_path / "mean") == 0
    assert run.out == f"{tmp_path / 'mean'}\n"
    assert f"{len(predictions.rows)} predictions combined by mean" in run.err
    assert run("stitch", tmp_path / "mean", "--dataset", dataset.root, "--out", tmp_path / "stitched") == 0
    mask = read_mask(open_predictions(tmp_path / "stitched").mask_path("car1_01"))
    assert np.array_equal(mask, IMAGES["car1_01"][1])
    assert run("combine", predictions.root, other.root, "--out", tmp_path / "no", "--by", "majority") == 1
    assert "do not both have this crop" in run.err


def test_submission_there_and_back(run: Command, predictions: Predictions, tmp_path: Path) -> None:
    table = tmp_path / "submission.csv.gz"
    assert run("submission", predictions.root, "--out", table) == 0
    assert (run.out, "3 images encoded" in run.err) == (f"{table}\n", True)
    assert run("submission", table, "--out", tmp_path / "back", "--size", "80x60") == 0
    for stem, (_, mask) in IMAGES.items():
        assert np.array_equal(read_mask(open_predictions(tmp_path / "back").mask_path(stem)), mask)
    assert run("submission", table, "--out", tmp_path / "again") == 1
    assert "--size is missing" in run.err


def test_labelme_writes_a_file_per_image(run: Command, predictions: Predictions, tmp_path: Path) -> None:
    assert run("labelme", predictions.root, "--out", tmp_path / "json", "--tolerance", "2", "--least-pixels", "5") == 0
    assert sorted(path.name for path in (tmp_path / "json").glob("*.json")) == [f"{stem}.json" for stem in IMAGES]
    assert "3 polygons of 3 images" in run.err


def test_report_takes_scoring_options(run: Command, predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    words = ["report", predictions.root, "--dataset", dataset.root, "--out", tmp_path / "out"]
    options = ["--scale", "0.002m/px", "--boundary-pixels", "2", "--tolerance", "1", "--draws", "50", "--seed", "7"]
    assert run(*words, *options, "--json") == 0
    scores = json.loads(run.out)
    assert scores["areas"]["unit"] == "m"
    assert scores["boundary"] == {"dilation_share": None, "dilation_pixels": 2, "tolerance_pixels": 1}
    assert (scores["intervals"]["draws"], scores["intervals"]["seed"]) == (50, 7)
    assert run(*words, "--overwrite", "--scale", "tall") == 1
    assert "--scale tall: expected the side of a pixel" in run.err


def test_the_report_tells_intervals_and_wrong_objects_in_text(
    run: Command, predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    assert run("report", predictions.root, "--dataset", dataset.root, "--out", tmp_path / "out") == 0
    lines = {line.split("  ")[0]: line for line in run.out.splitlines()}
    assert lines["mean IoU"].endswith("1.0000  (95 %: 1.0000 to 1.0000, over 3 groups)")
    assert lines["false positives"].endswith("0 objects, 0 pixels")
    assert lines["missed"].endswith("0 objects, 0 pixels")
    assert "log-loss" in lines

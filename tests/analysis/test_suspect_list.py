"""`analysis suspects`: every mask that was predicted, ranked; crops and stitched predictions alike."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import app
from analysis.masks.stitch import stitch
from analysis.report.report import report
from analysis.scoring.suspect_list import rank_suspects
from formats.console import run_app
from formats.dataset import Dataset, mask_path
from formats.predictions import Predictions, open_predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares

IMAGES = {stem: disc_image(90, 70, seed=n) for n, stem in enumerate(("a_01", "a_02", "b_01", "c_01"))}
PREDICTED = {stem: mask.copy() for stem, (_, mask) in IMAGES.items()}
IMAGES["b_01"][1][:] = 0  # its disc was forgotten
IMAGES["a_02"][1][20:30, 20:30] = 1
IMAGES["c_01"][1][:] = 255


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=40, overlap=8, drop_empty=False)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    made = make_predictions(tmp_path / "predictions", dataset, PREDICTED)
    write_shares(made, 0.98)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["analysis", "suspects", *map(str, words), "--workers", "1"])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return int(stopped.value.code or 0)


def test_the_list_may_lie_in_a_new_folder(
    monkeypatch: pytest.MonkeyPatch, predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "deeper" / "list.csv"
    assert run(monkeypatch, predictions.root, "--dataset", dataset.root, "--out", out) == 0
    assert out.read_text().startswith("stem,group,suspicion")


def test_the_list_ranks_every_image_that_is_judged(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    out = tmp_path / "list.csv"
    words = (predictions.root, "--dataset", dataset.root, "--out", out)
    assert run(monkeypatch, *words) == 0
    told = capsys.readouterr()
    assert told.out == f"{out}\n"
    assert "3 masks ranked, 2 of them contradicted; 1 not judged, all ignore or not predicted" in told.err
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["stem"] for row in rows] == ["b_01", "a_02", "a_01"]
    disc = np.argwhere(PREDICTED["b_01"])
    top, left = disc.min(0).tolist()
    assert (rows[0]["x"], rows[0]["y"]) == (str(left), str(top))
    assert [rows[-1][name] for name in ("pixels", "x", "width")] == ["0", "0", "0"]
    assert run(monkeypatch, *words) == 1
    assert capsys.readouterr().err == f"error: {out}: exists already; choose another --out or add --overwrite\n"
    assert run(monkeypatch, *words, "--overwrite") == 0


def test_it_says_what_the_report_says_of_crops_and_of_stitched_masks(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    ranked = rank_suspects(predictions, dataset, workers=1)
    stitch(predictions, dataset, tmp_path / "stitched", probabilities=True, workers=1)
    assert rank_suspects(open_predictions(tmp_path / "stitched"), dataset, workers=1) == ranked
    scores = report(predictions, dataset, tmp_path / "report", workers=1)
    assert [vars(each) for each in ranked if each.pixels] == scores["suspects"]
    lines = (tmp_path / "report/images.csv").read_text().splitlines()
    told = {row["stem"]: row["suspicion"] for row in csv.DictReader(lines)}
    assert told == {each.stem: f"{each.suspicion:.6f}" for each in ranked} | {"c_01": ""}


def test_without_probabilities_or_masks_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    bare = make_predictions(tmp_path / "bare", dataset, PREDICTED)
    assert run(monkeypatch, bare.root, "--dataset", dataset.root, "--out", tmp_path / "list.csv") == 1
    expected = f"error: {bare.root}: no probabilities to doubt labels by; predict with --probabilities\n"
    assert capsys.readouterr().err == expected
    gone = mask_path(dataset.root, dataset.rows[0].id)
    gone.unlink()
    assert run(monkeypatch, predictions.root, "--dataset", dataset.root, "--out", tmp_path / "list.csv") == 1
    assert capsys.readouterr().err == f"error: {gone}: not found; expected the true mask: prepare the dataset again\n"
    assert not (tmp_path / "list.csv").exists()

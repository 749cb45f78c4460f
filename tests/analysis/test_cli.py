"""The commands as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.cli import app
from formats.console import run_app
from formats.dataset import Dataset
from formats.predictions import Predictions
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions

IMAGES = {"a_01": disc_image(60, 50, seed=1)}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    return make_predictions(tmp_path / "predictions", dataset, {stem: mask for stem, (_, mask) in IMAGES.items()})


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["analysis", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return int(stopped.value.code or 0)


def test_report_prints_scores_and_where_the_page_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    assert run(monkeypatch, "report", predictions.root, "--dataset", dataset.root, "--out", out, "--workers", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["class", "IoU", "Dice", "precision", "recall", "FP", "rate"]
    assert lines[2].split() == ["car", "1.0000", "1.0000", "1.0000", "1.0000", "0.0000"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[-1] == str(out / "index.html")
    assert (out / "index.html").is_file()


def test_report_as_json_prints_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    predictions: Predictions,
    dataset: Dataset,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    arguments = (predictions.root, "--dataset", dataset.root, "--out", out, "--workers", "1", "--colors", "safe")
    assert run(monkeypatch, "report", *arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "scores.json").read_text())


def test_stitch_says_what_became_background(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    image, mask = disc_image(120, 50, seed=1)
    wide = make_dataset(tmp_path / "wide", {"w_01": (image, mask)}, crop=32)
    predictions = make_predictions(tmp_path / "p", wide, {"w_01": mask})
    out = tmp_path / "out"
    assert run(monkeypatch, "stitch", predictions.root, "--dataset", wide.root, "--out", out, "--workers", "1") == 0
    captured = capsys.readouterr()
    dropped = sum(not row.kept for row in wide.rows)
    assert dropped > 0
    assert f"{dropped} dropped crops were not predicted and became background" in captured.err
    assert captured.out == f"{out / 'masks'}\n"


def test_an_expected_failure_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], predictions: Predictions, tmp_path: Path
) -> None:
    code = run(monkeypatch, "report", predictions.root, "--dataset", tmp_path / "nowhere", "--out", tmp_path / "out")
    captured = capsys.readouterr()
    assert code == 1
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "no dataset here" in captured.err


def test_wrong_usage_is_exit_2(monkeypatch: pytest.MonkeyPatch, predictions: Predictions) -> None:
    assert run(monkeypatch, "report", predictions.root, "--colours", "pink") == 2


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, analysis.cli; "
        "print(sorted({'numpy', 'cv2', 'PIL', 'jinja2', 'matplotlib', 'simplejpeg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""`sageseg jobs export --int8`: what is written, what is refused, and what then predicts."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.images import encode_image
from formats.masks import read_mask
from jobs.algorithm.serving import export as exporting
from jobs.algorithm.serving.export import OnnxModel
from jobs.contract.artefact import read_artefact
from jobs.onnx_models import read_onnx
from jobs.tracking.trained_model import TrainedModel, find_model
from sageseg.export import calibration_rows
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.onnx_samples import bright_onnx, write_onnx_artefact
from tests.support.tiny_model import write_artefact
from tests.support.typed_commands import Ran, typed

SPLITS = {"a_1": "train", "a_2": "train", "a_3": "train"}
LINE = "jobs export model.tar.gz --int8 --dataset dataset --images 2 --out"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset and artefacts."""
    made = tmp_path_factory.mktemp("made")
    shots = {f"{group}_{number}": disc_image(40, 32, seed=number) for group in "abc" for number in (1, 2, 3)}
    make_dataset(made / "dataset", shots, splits=SPLITS)
    write_artefact(made / "model.tar.gz", 2)
    write_artefact(made / "three.tar.gz", 3)
    write_onnx_artefact(made / "onnx.tar.gz")
    return made


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are typed. What torch's exporter, which has its own tests, would make is a model made by hand."""
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    stand_in(monkeypatch, bright_onnx())
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(exporting, "make_onnx", lambda *_: OnnxModel(content, 0.0))


def run(folder: Path, line: str) -> Ran:
    return typed(line.split(), folder)


def test_the_model_and_what_its_gate_found_lie_beside_each_other(folder: Path) -> None:
    ran = run(folder, f"{LINE} model.onnx")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("model.onnx: INT8 loses 0.0000 of mean IoU, 1.0000 to 1.0000 (95 % sure of 0.0000 to")
    told = json.loads((folder / "model.onnx.json").read_text())
    assert told["model_sha256"] == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert told["dataset_sha256"] == open_dataset(folder / "dataset").digest
    assert told["calibration"] == {"split": "train", "crops": 2, "seed": 0}
    assert told["validation"] == {"split": "val", "crops": 6}
    assert told["mean_iou"] == {"float32": 1.0, "int8": 1.0}
    assert told["loss"] == {"mean": 0.0, "interval": [0.0, 0.0]}
    assert told["bootstrap"] == {"draws": 2000, "seed": 0, "level": 0.95, "groups": 2}
    assert told["iou"]["car"] == {"float32": 1.0, "int8": 1.0}
    assert told["max_loss"] == 0.002
    first = [(folder / name).read_bytes() for name in ("model.onnx", "model.onnx.json")]
    assert run(folder, f"{LINE} model.onnx --overwrite").returncode == 0
    assert first == [(folder / name).read_bytes() for name in ("model.onnx", "model.onnx.json")]


def test_an_artefact_holds_both_and_predicts_like_any_other(folder: Path) -> None:
    assert run(folder, f"{LINE} int8.tar.gz").returncode == 0
    with tarfile.open(folder / "int8.tar.gz") as archive:
        assert archive.getnames() == ["hyperparams.json", "int8.json", "model.onnx"]
    settings = read_artefact(folder / "model.tar.gz").hyperparameters
    assert read_artefact(folder / "int8.tar.gz").hyperparameters == settings
    ran = run(folder, "jobs predict int8.tar.gz dataset --out predictions")
    assert ran.returncode == 0, ran.stderr
    assert json.loads((folder / "predictions/predictions.json").read_text())["precision"] == "int8"
    dataset = open_dataset(folder / "dataset")
    for row in dataset.kept("val"):
        predicted = read_mask(folder / f"predictions/masks/{row.id}.png")
        np.testing.assert_array_equal(predicted, read_mask(dataset.mask_path(row.id)))


def test_a_model_by_itself_predicts_too(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(bright_onnx())
    assert read_onnx(folder / "model.onnx").hyperparameters["num_classes"] == "2"
    (folder / "images").mkdir()
    image, mask = disc_image(40, 32, seed=5)
    (folder / "images/a.jpg").write_bytes(encode_image(image))
    ran = run(folder, "jobs predict model.onnx images --out predictions --crop none --resize none")
    assert ran.returncode == 0, ran.stderr
    assert json.loads((folder / "predictions/predictions.json").read_text())["precision"] == "float32"
    np.testing.assert_array_equal(read_mask(folder / "predictions/masks/a.png"), mask)


def test_a_model_that_loses_too_much_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, bright_onnx(wide=True))
    ran = run(folder, f"{LINE} model.onnx")
    assert ran.returncode == 1
    assert "error: model.onnx: INT8 loses 0." in ran.stderr
    assert "it may lose more than --max-loss 0.002; nothing written" in ran.stderr
    assert not list(folder.glob("model.onnx*"))
    assert run(folder, f"{LINE} model.onnx --max-loss 1").returncode == 0


def test_a_disk_that_is_full_leaves_no_figures_of_no_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporting, "file_of", full)
    assert "error: model.onnx: cannot be written (No space left on device)" in run(folder, f"{LINE} model.onnx").stderr
    assert not list(folder.glob("*model.onnx*"))


def test_a_dataset_of_other_classes_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(*given: Any) -> TrainedModel:
        return replace(find_model(*given), classes=ClassTable(("_background_", "tram")))

    monkeypatch.setattr("jobs.tracking.trained_model.find_model", trained)
    said = run(folder, f"{LINE} model.onnx").stderr
    assert (
        "error: dataset: its classes are _background_, car, and those of model.tar.gz _background_, tram; name" in said
    )
    assert not list(folder.glob("*model.onnx*"))


def test_a_model_that_onnxruntime_does_not_load_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.algorithm.serving.quantise.quantise", lambda *_: b"no model")
    ran = run(folder, f"{LINE} model.onnx")
    assert ran.returncode == 1
    assert "error: model.onnx: onnxruntime does not load it (" in ran.stderr
    assert not list(folder.glob("model.onnx*"))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"{LINE} model.pt2", "--int8: only for ONNX; choose an --out that ends in .onnx or .tar.gz"),
        ("jobs export model.tar.gz --int8 --out a.onnx", "--int8: --dataset is missing; expected the dataset whose"),
        ("jobs export model.tar.gz --images 3 --out a.onnx", "--images: only with --int8; add that"),
        (f"{LINE} a.onnx --max-loss 1.5", "--max-loss 1.5: expected a share of mean IoU from 0 to 1"),
        (f"{LINE} a.onnx --max-loss nan", "--max-loss nan: expected a share"),
        ("jobs export model.tar.gz --int8 --dataset dataset --images 0 --out a.onnx", "--images 0: expected a whole"),
        (f"{LINE} there.onnx", "there.onnx.json: exists already; choose another --out or add --overwrite"),
        (
            "jobs export onnx.tar.gz --int8 --dataset dataset --out a.onnx",
            "onnx.tar.gz: holds an ONNX model, no network",
        ),
        (
            "jobs export three.tar.gz --int8 --dataset dataset --out a.onnx",
            "three.tar.gz: predicts 3 classes, but data",
        ),
    ],
)
def test_what_cannot_be_is_one_line(line: str, problem: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real exporter, which is not reached
    (folder / "there.onnx.json").write_text("{}")
    ran = run(folder, line)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"error: {problem}" in ran.stderr
    assert not list(folder.glob("a.onnx*"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no model", r"onnxruntime does not load it"),
        (None, r"gives 3 classes, but its num_classes is 2"),
    ],
)
def test_an_artefact_with_another_model_is_one_line(content: bytes | None, problem: str, folder: Path) -> None:
    write_onnx_artefact(folder / "odd.tar.gz", content or bright_onnx(classes=3))
    ran = run(folder, "jobs predict odd.tar.gz dataset --out predictions")
    assert ran.returncode == 1
    assert f"error: odd.tar.gz: {problem}" in ran.stderr
    assert not (folder / "predictions").exists()


def test_the_crops_that_calibrate_go_by_their_names(folder: Path) -> None:
    dataset = open_dataset(folder / "dataset")
    every = calibration_rows(dataset, 10)
    assert sorted(row.id for row in every) == ["a_1", "a_2", "a_3"]
    assert calibration_rows(dataset, 2) == every[:2]
    turned = Dataset(dataset.root, dataset.classes, dataset.rows[::-1], dataset.info)
    assert calibration_rows(turned, 10) == every


def test_an_artefact_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (write_onnx_artefact(tmp_path / name).read_bytes() for name in ("a.tar.gz", "b.tar.gz"))
    assert first == second
    assert gzip.decompress(first).count(b"model.onnx") == 1

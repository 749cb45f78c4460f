"""Predictions that were interrupted go on where they were."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.errors import SagesegError
from formats.images import encode_image
from formats.predictions import open_predictions, probabilities_path
from jobs import predict as module
from jobs.model_source import TrainedModel
from jobs.options import PredictOptions, RouteOptions
from jobs.predict import predict
from jobs.predict_artefact import predict_work
from jobs.predict_input import SourceWork
from jobs.predict_output import Predicted


class Brightness:
    """A model of two classes that fails once at the image of a number; `seen` are the images asked for."""

    def __init__(self) -> None:
        self.seen, self.fails_at = 0, -1

    def predict(self, images: Any) -> Any:
        self.seen += len(images)
        if self.seen - 1 == self.fails_at:
            self.fails_at = -1
            raise SagesegError("the model failed")
        bright = images.mean(axis=3, dtype=np.float32) / 255
        return np.stack([1 - bright, bright], axis=1)

    def predict_masks(self, images: Any) -> Any:
        return self.predict(images).argmax(axis=1).astype(np.uint8)


class Way:
    def __init__(self, model: Brightness, probabilities: bool) -> None:
        self.model, self.probabilities = model, probabilities

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Iterator[Predicted]]:
        yield predict_work(self.model, work, probabilities=self.probabilities)

    def facts(self) -> dict[str, Any]:
        return {"artefact_sha256": "0"}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Brightness:
    """In the place of any trained model; only its name tells two apart."""
    brightness = Brightness()

    def find(name: str, _region: str | None) -> TrainedModel:
        return TrainedModel(name, "local", "local", "", facts={"job": name})

    def open_way(_trained: TrainedModel, options: PredictOptions, _route: RouteOptions) -> Way:
        return Way(brightness, options.probabilities)

    monkeypatch.setattr(module, "find_model", find)
    monkeypatch.setattr(module, "_open_route", open_way)
    return brightness


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        (folder / f"{number}.jpg").write_bytes(encode_image(pixels))
    return folder


def ask(images: Path, out: Path, name: str = "one", **options: Any) -> int:
    return predict(name, images, out, PredictOptions(**{"crop": None, **options}), RouteOptions())


def interrupted(model: Brightness, images: Path, out: Path, **options: Any) -> Path:
    model.seen, model.fails_at = 0, 3
    with pytest.raises(SagesegError, match="the model failed"):
        ask(images, out, **options)
    assert not out.exists()
    model.seen = 0
    return out.with_name(out.name + ".partial")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("probabilities", [False, True])
def test_only_what_is_missing_is_predicted_and_the_folder_is_the_same(
    probabilities: bool, model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(images, tmp_path / "whole", probabilities=probabilities) == 6
    stage = interrupted(model, images, tmp_path / "out", probabilities=probabilities)
    assert f"{stage}: predictions done: 3; the same command goes on from there" in capsys.readouterr().err
    (stage / "masks" / "3.png.partial").write_bytes(b"half")  # what a kill leaves
    assert ask(images, tmp_path / "out", probabilities=probabilities) == 6
    assert f"{stage}: goes on where it stopped; predictions done: 3" in capsys.readouterr().err
    assert model.seen == 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not stage.exists()


@pytest.mark.parametrize("change", ["model", "images", "options"])
def test_another_question_starts_afresh(
    change: str, model: Brightness, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(model, images, tmp_path / "out")
    if change == "images":
        os.utime(images / "0.jpg", ns=(1, 1))
    ask(images, tmp_path / "out", "two" if change == "model" else "one", probabilities=change == "options")
    assert model.seen == 6
    assert "left by another model, other images or options; started afresh" in capsys.readouterr().err
    assert probabilities_path(tmp_path / "out", "0").exists() is (change == "options")
    assert len(open_predictions(tmp_path / "out").rows) == 6


def test_nothing_stays_where_nothing_was_predicted(model: Brightness, images: Path, tmp_path: Path) -> None:
    model.fails_at = 0
    with pytest.raises(SagesegError, match="the model failed"):
        ask(images, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_all_may_be_there_when_it_goes_on(
    model: Brightness, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise SagesegError("manifest.csv: cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_predictions_index", full_disk)
        with pytest.raises(SagesegError, match="cannot be written"):
            ask(images, tmp_path / "out")
    model.seen = 0
    assert ask(images, tmp_path / "out") == 6
    assert model.seen == 0

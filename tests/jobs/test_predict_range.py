"""Images over 8 bits are predicted by the range that the training's images came to 8 bits by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.exports.image_folder import draw_folder
from analysis.exports.tint import Tint
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.images import read_image
from formats.masks import read_mask
from formats.predictions import open_predictions
from formats.prepared.georeference import Georeference, write_georeference
from formats.prepared.preparation import Preparation, dataset_preparation
from formats.prepared.value_range import parse_range
from jobs.prediction.options import AsTrained, PredictOptions, RouteOptions, parse_range_choice
from jobs.prediction.predict import predict
from jobs.tracking.training_data import TrainingData
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from tests.support.bright_model import stand_in
from tests.support.prep_samples import make_source, square

RANGE = parse_range("100:3100")
TRAINED = Preparation(None, 64, RANGE)


def deep_source(folder: Path) -> Source:
    """Images of 12 bits in 16, whose foreground is bright."""
    source = make_source(folder, {"a": 1, "b": 1, "c": 1})
    images = []
    for number, image in enumerate(source.images):
        path = image.image.with_suffix(".tif")
        Image.fromarray((300 + 2500 * square(number).astype(np.uint16)).astype(np.uint16)).save(path)
        image.image.unlink()
        images.append(replace(image, image=path, source=path.name))
    return replace(source, images=tuple(images))


def made(tmp_path: Path, **options: Any) -> Dataset:
    source = deep_source(tmp_path / "source")
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, val=1, workers=1, range=RANGE, **options))
    return open_dataset(tmp_path / "dataset")


def ask(what: Path, out: Path, **options: Any) -> Path:
    predict("cars", [what], out, PredictOptions(**options), RouteOptions())
    return out


def alone(folder: Path, source: Source) -> Path:
    """The images of a source without its masks."""
    for image in source.images:
        image.mask.path.unlink()
    return folder


def test_a_dataset_of_deep_images_tells_its_range(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    assert dataset_preparation(dataset.info) == TRAINED
    for row in dataset.kept("train"):
        # 300 and 2800 of 100:3100
        assert set(np.unique(read_image(dataset.image_path(row.id)) // 16)) <= {0, 1, 2, 13, 14, 15}


def test_without_a_range_prep_refuses_them(tmp_path: Path) -> None:
    source = deep_source(tmp_path / "source")
    with pytest.raises(SagesegError, match=r"_0\.tif: over 8 bits a channel \(uint16, values 300 to 2800"):
        write_dataset(source, tmp_path / "dataset", PrepOptions(crop=64, workers=1))


def test_a_folder_is_read_by_the_trainings_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(TRAINED))
    dataset, masks = made(tmp_path), tmp_path / "masks"
    (tmp_path / "images").mkdir()
    for path in (tmp_path / "source").glob("*.tif"):
        path.rename(tmp_path / "images" / path.name)
    predictions = ask(tmp_path / "images", tmp_path / "p", overlap=0)
    for row in open_predictions(predictions).rows:
        truth = square("abc".index(row.id[0]))[row.y : row.y + row.height, row.x : row.x + row.width]
        assert np.array_equal(read_mask(predictions / "masks" / f"{row.id}.png")[: truth.shape[0]], truth)
    told = json.loads((predictions / "predictions.json").read_text())
    assert told["range"] == "100:3100"
    draw_folder(open_predictions(predictions), tmp_path / "images", masks, Tint(dataset.classes), label="x", workers=1)
    assert len(list(masks.iterdir())) == 3


def test_dropped_crops_are_cut_from_the_deep_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(TRAINED))
    dataset = made(tmp_path, keep_empty_val=0)
    assert any(not row.kept for row in dataset.rows if row.split == "val")
    predictions = ask(dataset.root, tmp_path / "p", images=tmp_path / "source")
    assert json.loads((predictions / "predictions.json").read_text())["range"] == "100:3100"


def test_a_folder_of_8_bits_is_refused_unless_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(TRAINED))
    alone(tmp_path / "plain", make_source(tmp_path / "plain", {"a": 1}))
    with pytest.raises(SagesegError, match=r"a_0\.jpg: 8 bits a channel, and --range 100:3100.*--range none"):
        ask(tmp_path / "plain", tmp_path / "p")
    assert ask(tmp_path / "plain", tmp_path / "q", range=None)


def test_deep_images_are_refused_where_the_trainings_were_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, TrainingData(Preparation(None, 64)))
    alone(tmp_path / "deep", deep_source(tmp_path / "deep"))
    with pytest.raises(SagesegError, match=r"a_0\.tif: over 8 bits a channel"):
        ask(tmp_path / "deep", tmp_path / "p")
    assert ask(tmp_path / "deep", tmp_path / "q", range=RANGE)


@pytest.mark.parametrize(
    ("trained", "tiles", "options", "fits"),
    [
        (TRAINED, "100:3100", {}, True),
        (TRAINED, "0:3100", {}, False),
        (TRAINED, "none", {}, False),
        (TRAINED, "0:3100", {"range": None}, True),
        (Preparation(None, 64), "0:3100", {}, False),
        (Preparation(None, 64), "none", {}, True),
        (None, "0:3100", {}, True),
        (None, "0:3100", {"range": RANGE}, False),
    ],
)
def test_tiles_of_rasters_have_8_bits_and_must_have_come_to_them_alike(
    trained: Preparation | None,
    tiles: str,
    options: dict[str, Any],
    fits: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(monkeypatch, TrainingData(trained))
    alone(tmp_path / "tiles", make_source(tmp_path / "tiles", {"a": 1}))
    write_georeference(tmp_path / "tiles", Georeference((), tiles))
    if fits:
        assert (ask(tmp_path / "tiles", tmp_path / "p", **options) / "georeference.json").is_file()
        return
    with pytest.raises(SagesegError, match=rf"georeference\.json: .*--range {tiles}, "):
        ask(tmp_path / "tiles", tmp_path / "p", **options)


def test_words_of_the_option() -> None:
    assert parse_range_choice("trained") is AsTrained.WORD
    assert parse_range_choice("none") is None
    assert parse_range_choice("100:3100") == RANGE

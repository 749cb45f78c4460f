"""Layer files and the page's data: which wrong objects, doubtful labels and probabilities they tell."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from analysis.drawing.thumbnails import MOST_IMAGE, MOST_PAIRS
from analysis.masks.pairs import unpack
from analysis.report.page.page_data import OBJECTS
from analysis.report.report import report
from analysis.report_files import layer_name
from analysis.scoring.components import LISTED
from analysis.scoring.suspects import DETAILED
from formats.classes import ClassTable
from formats.masks import Mask
from formats.predictions import probabilities_path, write_probabilities
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.page_reader import Page

HEIGHT, WIDTH = 60, 80


def grey() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def blank() -> Mask:
    return np.zeros((HEIGHT, WIDTH), np.uint8)


def known(out: Path, stem: str) -> dict[str, Any]:
    text = (out / layer_name("pairs", stem)).read_text()
    told = json.loads(text.removeprefix("takeLayers(").removesuffix(")\n"))
    assert isinstance(told, dict)
    return told


def made(tmp_path: Path, truth: Mask, prediction: Mask, shares: np.ndarray[Any, Any] | None = None) -> Path:
    """A report of one image."""
    classes = ClassTable(("_background_", "car", "road"))
    dataset = make_dataset(tmp_path / "dataset", {"a_01": (grey(), truth)}, classes=classes)
    predictions = make_predictions(tmp_path / "predictions", dataset, {"a_01": prediction})
    if shares is not None:
        path = probabilities_path(predictions.root, "a_01")
        path.parent.mkdir()
        write_probabilities(path, shares.astype(np.float16))
    report(predictions, dataset, tmp_path / "report", workers=1)
    return tmp_path / "report"


def test_objects_are_told_the_largest_first_whether_wrong_or_missed(tmp_path: Path) -> None:
    truth, prediction = blank(), blank()
    truth[5:10, 5:15] = 1  # missed
    truth[30:50, 30:40] = prediction[30:50, 30:40] = 1
    prediction[30:50, 40:43] = 1  # at an object that is found
    truth[20:24, 60:70] = 1  # taken for the other class
    prediction[20:24, 60:70] = 2
    out = made(tmp_path, truth, prediction)
    told = known(out, "a_01")["objects"]
    assert [(each["what"], each["class"], each["other"], each["pixels"], each["kind"]) for each in told] == [
        ("wrong", 1, 0, 60, "halo"),
        ("missed", 1, 0, 50, "object"),
        ("wrong", 2, 1, 40, "object"),
        ("missed", 1, 2, 40, "object"),
    ]
    assert {key: told[1][key] for key in ("x", "y", "width", "height")} == {"x": 5, "y": 5, "width": 10, "height": 5}
    assert Page((out / "index.html").read_text()).data["objects"] == {"0": told}


def test_of_very_many_objects_the_largest_are_told(tmp_path: Path) -> None:
    truth, prediction = blank(), blank()
    prediction[::2, ::2] = 1
    prediction[10:13, 10:13] = 1
    out = made(tmp_path, truth, prediction)
    told = known(out, "a_01")["objects"]
    assert len(told) == LISTED
    assert told[0]["pixels"] > told[1]["pixels"] == 1
    assert Page((out / "index.html").read_text()).data["objects"] == {"0": told[:OBJECTS]}


@pytest.mark.parametrize("same", [blank(), np.ones((HEIGHT, WIDTH), np.uint8)], ids=["empty", "full"])
def test_without_errors_and_probabilities_nothing_is_told(tmp_path: Path, same: Mask) -> None:
    told = known(made(tmp_path, same, same), "a_01")
    assert told["objects"] == []
    assert not {"suspects", "probability"} & told.keys()


def soft_disc() -> np.ndarray[Any, Any]:
    """Probabilities of background, car and road: a car with a soft edge, and below it a sure road."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    car = np.clip((16 - np.hypot(rows - 20, columns - 30)) / 8, 0, 1)
    road = np.where(rows >= 45, 1 - car, 0)
    return np.stack([1 - car - road, car, road])


def test_the_probability_of_foreground_is_told_within_two_of_a_hundred(tmp_path: Path) -> None:
    shares = soft_disc()
    told = known(made(tmp_path, blank(), shares.argmax(axis=0).astype(np.uint8), shares), "a_01")
    kind, content = told["probability"].split(",")
    assert kind == "data:image/jpeg;base64"
    drawn = simplejpeg.decode_jpeg(b64decode(content), colorspace="GRAY")[..., 0]
    assert np.abs(drawn / 255 - (1 - shares[0])).max() <= 0.02


def test_regions_that_a_model_contradicts_are_told_one_by_one(tmp_path: Path) -> None:
    truth = blank()
    truth[45:] = 2
    prediction = truth.copy()
    prediction[5:15, 5:25] = 1
    prediction[20:26, 50:60] = 1
    shares = np.where(np.arange(3)[:, None, None] == prediction, 0.98, 0.01)
    told = known(made(tmp_path, truth, prediction, shares), "a_01")["suspects"]
    assert told == [
        {"x": 5, "y": 5, "width": 20, "height": 10, "pixels": 200},
        {"x": 50, "y": 20, "width": 10, "height": 6, "pixels": 60},
    ]


def test_so_many_contradictions_are_told(tmp_path: Path) -> None:
    truth, prediction = blank(), blank()
    for left in range(0, 4 * (DETAILED + 5), 4):
        prediction[5:7, left : left + 2] = 1
    shares = np.where(np.arange(3)[:, None, None] == prediction, 0.98, 0.01)
    assert len(known(made(tmp_path, truth, prediction, shares), "a_01")["suspects"]) == DETAILED


def test_columns_of_many_classes_lie_beside_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, prediction = blank(), blank()
    truth[5:10, 5:15] = prediction[5:10, 5:15] = 1
    prediction[:2] = 2
    within = Page((made(tmp_path / "few", truth, prediction) / "index.html").read_text()).data
    monkeypatch.setattr("analysis.report.page.page_data.MOST_INSIDE", 1)
    out = made(tmp_path / "many", truth, prediction)
    data = Page((out / "index.html").read_text()).data
    assert within["classesBeside"] is data["classes"] is None
    assert data["classesBeside"] == ["columns/1.js", "columns/2.js"]
    for place, name in enumerate(data["classesBeside"]):
        text = (out / name).read_text()
        columns = json.loads(text.removeprefix("takeColumns(").removesuffix(")\n"))
        assert columns == {"class": place + 1, **{key: lists[place] for key, lists in within["classes"].items()}}
    assert within["classes"]["iou"] == [[1.0], [0.0]]
    assert within["classes"]["predicted"] == [[50], [2 * WIDTH]]


def test_a_busy_image_takes_no_more_of_the_page_than_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (400, 600), np.uint8)
    noise = rng.integers(0, 256, (400, 600, 3), np.uint8)
    dataset = make_dataset(tmp_path / "dataset", {"a_01": (noise, truth)})
    report(make_predictions(tmp_path / "predictions", dataset, {"a_01": 1 - truth}), dataset, tmp_path / "out")
    (inside,) = Page((tmp_path / "out" / "index.html").read_text()).data["thumbnails"].values()
    assert len(inside["pairs"]) <= MOST_PAIRS
    assert len(inside["image"]) <= 1.4 * MOST_IMAGE
    runs = unpack(inside["pairs"])
    assert int(runs.lengths.sum()) == inside["width"] * inside["height"]
    assert abs(inside["width"] / inside["height"] - 1.5) < 0.05

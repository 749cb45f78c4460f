"""The parts of the report's page: charts, and the cut of a close-up."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from analysis.drawing.close_ups import view_around
from analysis.report.page.absent import absent
from analysis.report.plots.charts import histogram, training_series
from analysis.report.report import report
from analysis.report.scores_text import format_scores
from formats.crops import Box
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page


def test_a_histogram_holds_every_value_once() -> None:
    bars = histogram([0.913, 0.95, 1.0, 0.9999, float("nan")])
    assert bars[0].low == pytest.approx(0.9)
    assert bars[-1].high == pytest.approx(1.0)
    assert sum(bar.count for bar in bars) == 4
    assert [bar.count for bar in bars if bar.high > 0.996] == [2]
    assert histogram([float("nan")]) == []
    assert sum(bar.count for bar in histogram([0.0, 1.0, 1.0])) == 3


def test_a_series_keeps_its_epochs_and_knows_its_best() -> None:
    epochs: list[dict[str, float | None]] = [
        {"train_loss": 3.0},
        {"train_loss": 1.0},
        {"train_loss": None},
        {"train_loss": 2.0},
    ]
    assert training_series(epochs) == [{"label": "Training loss", "values": [3.0, 1.0, None, 2.0], "best": 1}]
    assert training_series([{"train_loss": 1.0}, {"train_loss": math.nan}]) == []
    (mean_iou,) = training_series([{"validation_mIOU": 0.5}, {"validation_mIOU": 0.75}])
    assert mean_iou["best"] == 1


@pytest.mark.parametrize(
    ("box", "size"),
    [(Box(0, 0, 4, 4), (1918, 1280)), (Box(900, 600, 500, 20), (1918, 1280)), (Box(5, 60, 3, 9), (90, 70))],
)
def test_a_close_up_shows_its_whole_object_inside_the_image(box: Box, size: tuple[int, int]) -> None:
    view = view_around(box, *size)
    assert view.left <= box.left
    assert view.top <= box.top
    assert box.left + box.width <= view.left + view.width <= size[0]
    assert box.top + box.height <= view.top + view.height <= size[1]


@pytest.mark.parametrize(
    ("words", "dataset"),
    [
        (["report", "p", "--dataset", "my cars", "--out", "r"], "'my cars'"),
        (["report", "p", "--dataset=cars/", "--out", "r"], "cars/"),
        ([], "DATASET"),
    ],
)
def test_what_is_not_here_names_the_dataset_as_it_was_typed(words: list[str], dataset: str) -> None:
    made = {"command": words, "splits": {"val": 2}, "dataset_sha256": "0"}
    probabilities = absent({"made": made, "job": {"job": "first"}, "areas": {"unit": "m"}}, 0)[0]
    assert probabilities.commands == (
        f"sageseg jobs predict first {dataset} --split val --probabilities --out PREDICTIONS",
        f"sageseg analysis report PREDICTIONS --dataset {dataset} --out REPORT",
    )


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        ({"a": "train", "b": "train"}, "All images are of the split train: "),
        ({"a": "train", "b": "val"}, "1 of 2 images are of the split train: "),
        ({"a": "val", "b": "test"}, None),
    ],
)
def test_scores_of_training_images_carry_a_warning(splits: dict[str, str], told: str | None, tmp_path: Path) -> None:
    images = {stem: disc_image(30, 20) for stem in splits}
    dataset = make_dataset(tmp_path / "dataset", images, splits=splits)
    predictions = make_predictions(
        tmp_path / "predictions", dataset, {stem: mask for stem, (_, mask) in images.items()}
    )
    scores = report(predictions, dataset, tmp_path / "out", overlays=0, workers=1)
    page = Page((tmp_path / "out" / "index.html").read_text(encoding="utf-8")).words
    for text in (format_scores(scores), page):
        assert ("of the split train" in text) == (told is not None)
        assert (told or "") in text

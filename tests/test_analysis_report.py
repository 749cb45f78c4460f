"""The report: numbers that agree with a plain computation, and a page that is whole and safe."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from dataset_samples import disc_image, make_dataset, make_predictions

from analysis import summary
from analysis.charts import histogram, training_curves
from analysis.colours import ColourScheme
from analysis.page import format_score, format_seconds
from analysis.report import report
from analysis.stitch import stitch
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import Mask, write_mask
from formats.predictions import Predictions, open_predictions

STEMS = ("a_01", "a_02", "b_01")
IMAGES = {stem: disc_image(90, 70, seed=n) for n, stem in enumerate(STEMS)}


def shifted(mask: Mask, by: int) -> Mask:
    return np.roll(mask, by, axis=1)


PREDICTED = {stem: shifted(IMAGES[stem][1], by) for stem, by in zip(STEMS, (3, 9, 0), strict=True)}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32)


@pytest.fixture
def predictions(tmp_path: Path, dataset: Dataset) -> Predictions:
    return make_predictions(tmp_path / "predictions", dataset, PREDICTED, dropped_too=True)


def iou(truth: Mask, prediction: Mask) -> float:
    return float((truth & prediction).sum() / (truth | prediction).sum())


def test_scores_are_those_of_the_full_masks(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    truth = np.concatenate([IMAGES[stem][1] for stem in STEMS])
    predicted = np.concatenate([PREDICTED[stem] for stem in STEMS])
    assert scores["overall"]["iou"]["car"] == pytest.approx(iou(truth, predicted))
    each = [iou(IMAGES[stem][1], PREDICTED[stem]) for stem in STEMS]
    assert scores["per_image_mean"]["iou"]["car"] == pytest.approx(np.mean(each))
    assert np.sum(scores["confusion"]) == 3 * 90 * 70
    assert scores["classes"] == ["_background_", "car"]
    assert scores["groups"]["b"]["iou"]["car"] == 1.0
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == scores


def test_crops_stitched_masks_and_workers_give_the_same_report(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    stitch(predictions, dataset, tmp_path / "stitched", workers=1)
    report(predictions, dataset, tmp_path / "one", workers=1)
    report(open_predictions(tmp_path / "stitched"), dataset, tmp_path / "two")
    report(predictions, dataset, tmp_path / "three", workers=2)
    for name in ("scores.json", "images.csv", "index.html", "overlays/a_02.jpg"):
        content = (tmp_path / "one" / name).read_bytes()
        assert (tmp_path / "two" / name).read_bytes() == content, name
        assert (tmp_path / "three" / name).read_bytes() == content, name


def test_images_csv_is_worst_first(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    report(predictions, dataset, tmp_path / "out", workers=1)
    with (tmp_path / "out" / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["stem"] for row in rows] == ["a_02", "a_01", "b_01"]
    truth, predicted = IMAGES["a_02"][1], PREDICTED["a_02"]
    assert float(rows[0]["iou_car"]) == pytest.approx(iou(truth, predicted), abs=1e-6)
    assert int(rows[0]["false_positive_pixels"]) == np.sum(predicted & ~truth & 1)
    assert int(rows[0]["missed_pixels"]) == np.sum(truth & ~predicted & 1)
    assert (rows[0]["group"], rows[0]["split"], rows[0]["angle"]) == ("a", "val", "02")


def test_dropped_crops_are_background_counted_and_said(dataset: Dataset, tmp_path: Path) -> None:
    kept_only = make_predictions(tmp_path / "kept", dataset, PREDICTED)
    dropped = sum(not row.kept for row in dataset.rows)
    assert dropped > 0
    scores = report(kept_only, dataset, tmp_path / "out", workers=1)
    assert scores["dropped_crops_as_background"] == dropped
    assert f"<b>{dropped}</b> dropped crop" in (tmp_path / "out" / "index.html").read_text()
    assert "Flat grey stands where" in (tmp_path / "out" / "index.html").read_text()
    stitch(kept_only, dataset, tmp_path / "stitched", workers=1)
    again = report(open_predictions(tmp_path / "stitched"), dataset, tmp_path / "again", workers=1)
    assert again == scores


def test_only_predicted_sources_are_scored(dataset: Dataset, tmp_path: Path) -> None:
    one = make_predictions(tmp_path / "one", dataset, {"b_01": PREDICTED["b_01"]})
    scores = report(one, dataset, tmp_path / "out", workers=1)
    assert scores["images"] == 1
    assert scores["overall"]["iou"]["car"] == 1.0


def test_ignored_pixels_and_rightly_empty_images(tmp_path: Path) -> None:
    image, mask = disc_image(40, 30)
    truth = mask.copy()
    truth[:, :20] = 255
    empty = np.zeros_like(mask)
    dataset = make_dataset(tmp_path / "d", {"full_1": (image, truth), "empty_1": (image, empty)})
    wrong_where_ignored = np.where(truth == 255, 1, mask).astype(np.uint8)
    predictions = make_predictions(tmp_path / "p", dataset, {"full_1": wrong_where_ignored, "empty_1": empty})
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    assert scores["overall"]["iou"]["car"] == 1.0
    assert np.sum(scores["confusion"]) == 30 * 20 + 30 * 40
    assert scores["per_image_mean"]["dice"]["car"] == 1.0
    rows = (tmp_path / "out" / "images.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["stem", "full_1", "empty_1"]
    assert "–" in (tmp_path / "out" / "index.html").read_text()


class Page(HTMLParser):
    """What a page would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            assert not name.startswith("on") or value == "return false", (tag, name)
            if name in ("src", "srcset", "data", "poster") or (tag == "link" and name == "href"):
                self.addresses.append(value or "")
            elif name == "href":
                self.links.append(value or "")


def test_the_page_is_whole(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    report(predictions, dataset, tmp_path / "out", workers=1)
    text = (tmp_path / "out" / "index.html").read_text()
    page = Page(text)
    assert len(page.addresses) == 4 * 3
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert all((tmp_path / "out" / unquote(link)).is_file() for link in page.links)
    assert len(set(page.links)) == 3
    assert not re.search(r"url\(|@import|https?://", text)


def test_html_in_names_is_escaped(tmp_path: Path) -> None:
    stem = 'x"<script>alert(1)<script>#%?'
    dataset = make_dataset(
        tmp_path / "d",
        {stem: disc_image(40, 30)},
        classes=ClassTable(("_background_", "<script>car")),
        groups={stem: "<script>group"},
        splits={stem: "<script>"},
    )
    predictions = make_predictions(tmp_path / "p", dataset, {stem: np.zeros((30, 40), np.uint8)})
    job = {"job": "<script>job", "algorithm": "<script>fcn"}
    report(predictions, dataset, tmp_path / "out", workers=1, job_record=job)
    text = (tmp_path / "out" / "index.html").read_text()
    page = Page(text)
    assert page.scripts == 1
    assert text.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in text
    assert all((tmp_path / "out" / unquote(link)).is_file() for link in page.links)


def test_the_job_is_shown_when_known(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    epochs = [{"epoch": n, "train_loss": 1 / (n + 1), "validation_mIOU": n / 10} for n in range(4)]
    job = {"algorithm": "deeplab", "backbone": "resnet-101", "seconds": 7663, "epochs": epochs}
    report(predictions, dataset, tmp_path / "out", workers=1, job_record=job)
    text = (tmp_path / "out" / "index.html").read_text()
    assert "sample-job" in text
    assert "<b>Algorithm</b> deeplab" in text
    assert "2 h 7 min" in text
    assert text.count("<polyline") == 2


@pytest.mark.parametrize("scheme", list(ColourScheme))
def test_every_colour_scheme_has_its_legend(
    scheme: ColourScheme, predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    report(predictions, dataset, tmp_path / "out", workers=1, colours=scheme)
    colour = {"default": "rgb(52 190 90)", "light": "rgb(250 215 40)", "safe": "rgb(86 180 233)"}[scheme]
    assert f'<i style="background:{colour}"></i>correct' in (tmp_path / "out" / "index.html").read_text()


def test_many_images_keep_only_the_worst_thumbnails(
    predictions: Predictions, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "GALLERY_LIMIT", 1)
    report(predictions, dataset, tmp_path / "out", workers=1)
    text = (tmp_path / "out" / "index.html").read_text()
    assert re.findall(r'data-name="([^"]+)"', text) == ["a_02"]
    assert "images.csv beside it lists all 3" in text


def test_a_truth_that_is_missing_or_no_class_is_named(
    predictions: Predictions, dataset: Dataset, tmp_path: Path
) -> None:
    path = dataset.mask_path(next(row.id for row in dataset.rows if row.kept))
    write_mask(path, np.full((32, 32), 9, np.uint8))
    with pytest.raises(SagesegError, match=rf"{path.name}: value 9 is no class"):
        report(predictions, dataset, tmp_path / "out", workers=1)
    write_mask(path, np.zeros((5, 5), np.uint8))
    with pytest.raises(SagesegError, match=rf"{path.name}: 5×5 pixels; expected 32×32"):
        report(predictions, dataset, tmp_path / "out", workers=1)
    path.unlink()
    with pytest.raises(SagesegError, match=rf"{path.name}: not found"):
        report(predictions, dataset, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_a_histogram_holds_every_value_once() -> None:
    bars = histogram([0.913, 0.95, 1.0, 0.9999, float("nan")])
    assert bars[0].low == pytest.approx(0.9)
    assert bars[-1].high == pytest.approx(1.0)
    assert sum(bar.count for bar in bars) == 4
    assert [bar.count for bar in bars if bar.high > 0.996] == [2]
    assert max(bar.height for bar in bars) == 1
    assert histogram([float("nan")]) == []
    assert sum(bar.count for bar in histogram([0.0, 1.0, 1.0])) == 3


def test_curves_span_their_values() -> None:
    (curve,) = training_curves([{"train_loss": 3.0}, {"train_loss": 1.0}, {"train_loss": None}, {"train_loss": 2.0}])
    assert curve.points == "0.00,0.00 50.00,100.00 100.00,50.00"
    assert (curve.label, curve.best) == ("Training loss", 1.0)
    assert training_curves([{"train_loss": 1.0}]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.9877"), (1.0, "1.0000"), (0.99999, ">0.9999"), (0.00001, "<0.0001"), (0.0, "0.0000"), (np.nan, "–")],
)
def test_scores_never_round_to_perfect(value: float, text: str) -> None:
    assert format_score(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min")])
def test_seconds_are_readable(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_of_images_with_one_score_the_one_with_more_wrong_pixels_is_worse(tmp_path: Path) -> None:
    image, mask = disc_image(40, 30)
    little = np.zeros_like(mask)
    little[3:6, 4:9] = 1
    dataset = make_dataset(tmp_path / "d", {"a_little": (image, little), "b_much": (image, mask)})
    nothing = np.zeros_like(mask)
    predictions = make_predictions(tmp_path / "p", dataset, {"a_little": nothing, "b_much": nothing})
    report(predictions, dataset, tmp_path / "out", workers=1)
    rows = (tmp_path / "out" / "images.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["b_much", "a_little"]

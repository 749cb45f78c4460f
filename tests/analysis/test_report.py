"""The report: numbers that agree with a plain computation, and a page that is whole and safe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.masks.agreement import agreement
from analysis.masks.pairs import read_layers, unpack
from analysis.masks.stitch import stitch
from analysis.options import ScoringOptions
from analysis.report.commands import parse_overlays
from analysis.report.page.layout import PageImages, render_page
from analysis.report.report import report
from analysis.report.scores_json import summary_to_json
from analysis.report_files import layer_name, overlay_name, strip_name
from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.images import read_image
from formats.manifest import write_manifest
from formats.masks import Mask, write_mask
from formats.predictions import ModelFacts, Predictions, open_predictions, read_model_facts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page, without_made
from tests.support.tables import table_of

STEMS = ("a_01", "a_02", "b_01")
IMAGES = {stem: disc_image(90, 70, seed=n) for n, stem in enumerate(STEMS)}


def shifted(mask: Mask, by: int) -> Mask:
    return np.roll(mask, by, axis=1)


TRUE = {stem: mask for stem, (_, mask) in IMAGES.items()}
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
        content = without_made(tmp_path / "one" / name)
        assert without_made(tmp_path / "three" / name) == content, name
        if not name.endswith((".json", ".html")):
            assert without_made(tmp_path / "two" / name) == content, name
    one, two = (json.loads((tmp_path / name / "scores.json").read_text()) for name in ("one", "two"))
    assert one.pop("crop_edges")
    assert two.pop("crop_edges") is None, "what is stitched has no crops"
    assert {**one, "made": None} == {**two, "made": None}


def test_images_csv_is_worst_first(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    report(predictions, dataset, tmp_path / "out", workers=1)
    rows = table_of(tmp_path / "out" / "images.csv")
    assert [row["stem"] for row in rows] == ["a_02", "a_01", "b_01"]
    truth, predicted = IMAGES["a_02"][1], PREDICTED["a_02"]
    assert float(rows[0]["iou_car"]) == pytest.approx(iou(truth, predicted), abs=1e-6)
    assert int(rows[0]["false_positive_pixels"]) == np.sum(predicted & ~truth & 1)
    assert int(rows[0]["missed_pixels"]) == np.sum(truth & ~predicted & 1)
    assert (rows[0]["group"], rows[0]["split"], rows[0]["angle"]) == ("a", "val", "02")


def test_objects_in_dropped_crops_are_judged_by_the_sources_own_mask(dataset: Dataset, tmp_path: Path) -> None:
    whole = make_predictions(tmp_path / "whole", dataset, PREDICTED, dropped_too=True)
    before = report(whole, dataset, tmp_path / "before", workers=1)
    out_of_focus = max((row for row in dataset.rows if row.kept), key=lambda row: row.foreground or 0)
    rows = [replace(row, kept=False) if row is out_of_focus else row for row in dataset.rows]
    write_manifest(dataset.root / "manifest.csv", rows)
    with pytest.raises(SagesegError, match="crops with objects were dropped, and .* has no mask"):
        report(whole, open_dataset(dataset.root), tmp_path / "after", workers=1)
    stem = out_of_focus.source_stem
    (dataset.root / "truth").mkdir()
    write_mask(dataset.truth_path(stem), IMAGES[stem][1])
    told = [replace(row, truth_sha256="0" * 64) if row.source_stem == stem else row for row in rows]
    write_manifest(dataset.root / "manifest.csv", told)
    after = report(whole, open_dataset(dataset.root), tmp_path / "after", workers=1)
    assert after["confusion"] == before["confusion"]
    assert after["overall"] == before["overall"]


def test_only_predicted_sources_are_scored(dataset: Dataset, tmp_path: Path) -> None:
    one = make_predictions(tmp_path / "one", dataset, {"b_01": PREDICTED["b_01"]})
    with pytest.raises(SagesegError, match=r"split without a prediction, 2 in all: a_01\.jpg, a_02\.jpg; predict"):
        report(one, dataset, tmp_path / "out", workers=1)
    scores = report(one, dataset, tmp_path / "out", workers=1, scoring=ScoringOptions(partial=True))
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


def test_the_page_is_whole(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    report(predictions, dataset, tmp_path / "out", workers=1)
    page = Page((tmp_path / "out" / "index.html").read_text())
    page.check_whole()
    assert page.data["columns"]["stem"] == ["a_02", "a_01", "b_01"]
    assert page.data["worst"] == [0]
    assert page.data["best"] == [2]
    inside = page.data["thumbnails"].values()
    assert len(inside) == 3
    assert all(each["image"].startswith("data:image/webp;base64,") for each in inside)
    assert all(unpack(each["pairs"]).lengths.sum() == each["width"] * each["height"] for each in inside)
    beside = [link for link in page.links if not link.startswith("#")]
    tables = [
        f"{name}.csv" for name in ("images", "objects", "areas", "errors_by_place", "crop_edges", "attribute_scores")
    ]
    assert beside == ["scores.json", *tables, "overlays/"]
    assert all((tmp_path / "out" / link).exists() for link in beside)


def test_overlays_are_drawn_of_as_many_as_asked(
    predictions: Predictions, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report(predictions, dataset, tmp_path / "all", workers=1)
    assert len(list((tmp_path / "all" / "overlays").iterdir())) == 3
    assert "--overlays" not in capsys.readouterr().err
    report(predictions, dataset, tmp_path / "few", workers=1, overlays=1)
    assert sorted(path.stem for path in (tmp_path / "few" / "overlays").iterdir()) == ["a_02", "b_01"]
    assert "overlays of 2 of 3 images" in capsys.readouterr().err
    assert "of 2 images, the worst and the best" in (tmp_path / "few" / "index.html").read_text()


@pytest.mark.parametrize("text", ["-1", "some", ""])
def test_a_wrong_number_of_overlays_is_refused(text: str) -> None:
    with pytest.raises(SagesegError, match="--overlays .*expected how many"):
        parse_overlays(text)


def test_full_size_layers_lie_beside_the_page(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report(predictions, dataset, out, workers=1)
    for stem in STEMS:
        layers = read_layers(out / layer_name("pairs", stem))
        assert np.array_equal(layers.truth(), IMAGES[stem][1])
        assert np.array_equal(layers.agreement(), agreement(IMAGES[stem][1], PREDICTED[stem]))
        image = read_image(out / layer_name("image", stem))
        at = IMAGES[stem][1] == 1  # crops without a car were dropped, and are grey
        assert np.abs(image[at].astype(int) - IMAGES[stem][0][at]).mean() < 12
        assert read_image(out / overlay_name(stem)).shape[0] > 70


def test_an_image_that_was_not_cropped_is_copied(tmp_path: Path) -> None:
    whole = make_dataset(tmp_path / "whole", IMAGES)
    predictions = make_predictions(tmp_path / "p", whole, PREDICTED)
    report(predictions, whole, tmp_path / "out", workers=1)
    assert (tmp_path / "out" / layer_name("image", "a_01")).read_bytes() == whole.image_path("a_01").read_bytes()


def test_strips_are_written_when_asked_for(predictions: Predictions, dataset: Dataset, tmp_path: Path) -> None:
    report(predictions, dataset, tmp_path / "without", workers=1)
    assert not (tmp_path / "without" / "strips").exists()
    report(predictions, dataset, tmp_path / "with", workers=1, strips=True)
    assert read_image(tmp_path / "with" / strip_name("a_02")).shape[1] >= 4 * 90


def test_html_in_names_is_escaped(tmp_path: Path) -> None:
    stem = 'x"<script>alert(1)<script>#%?'
    other = "y_<i>&amp;"  # what follows the "_" becomes the attribute angle
    image, mask = disc_image(40, 30)
    dataset = make_dataset(
        tmp_path / "d",
        {stem: (image, mask), other: (image, mask)},
        classes=ClassTable(("_background_", "<script>car", "b<script>")),
        groups={stem: "<script>group", other: "<b>"},
    )
    model = ModelFacts(job="<script>job", algorithm="<script>fcn", hyperparameters={"<script>": "<script>"})
    masks = {stem: np.full_like(mask, 2), other: mask}
    predictions = make_predictions(tmp_path / "p", dataset, masks, model=model)
    report(predictions, dataset, tmp_path / "out", workers=1)
    page = Page((tmp_path / "out" / "index.html").read_text())
    page.check_whole()
    assert len(page.scripts) == page.text.count("<script") == 2
    assert set(page.data["columns"]["stem"]) == {stem, other}
    assert "By angle" in page.words
    for said in (stem, "<i>&amp;", "<script>group", "<b>"):
        assert said in page.words, said
    assert "<script>job" in page.words  # said, and not run
    assert "<script>car" in page.words


def test_the_job_is_shown_and_kept_when_known(dataset: Dataset, tmp_path: Path) -> None:
    model = ModelFacts(
        job="sample-job",
        algorithm="deeplab",
        hyperparameters={"crop_size": "240"},
        instance_type="ml.g5.2xlarge",
        seconds=7663,
        epochs=[{"epoch": n, "train_loss": 1 / (n + 1), "validation_mIOU": n / 10} for n in range(4)],
    )
    predictions = make_predictions(tmp_path / "p", dataset, PREDICTED, model=model)
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    page = Page((tmp_path / "out" / "index.html").read_text())
    for said in ("sample-job", "deeplab", "ml.g5.2xlarge", "2 h 7 min", "crop_size 240"):
        assert said in page.words
    assert "Cost" not in page.words
    assert page.text.count('data-plot="training"') == 2
    assert read_model_facts(scores["job"], "") == model


def full_scores(scores: dict[str, Any]) -> dict[str, Any]:
    """scores.json with every section that probabilities and several classes add."""
    curve = {key: [0.0, 0.5, 1.0] for key in ("threshold", "precision", "recall", "iou", "dice")}
    best = {"threshold": 0.4, "value": 0.9}
    kitti = {"max_f": 0.9, "average_precision": 0.8, "precision": 0.7, "recall": 0.6}
    kitti |= {"false_positive_rate": 0.1, "false_negative_rate": 0.2, "threshold": 0.4}
    place = {"stem": "a_02", "group": "a", "suspicion": 0.5, "pixels": 77, "x": 3, "y": 4, "width": 9, "height": 8}
    return {
        **scores,
        "thresholds": {"car": {**curve, "best_dice": best, "best_iou": best}},
        "log_loss": 0.0123,
        "kitti": {"car": kitti},
        "suspects": [place],
    }


def test_each_section_stands_only_when_its_data_exist(
    predictions: Predictions, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(predictions, dataset, tmp_path / "plain", workers=1)
    plain = Page((tmp_path / "plain" / "index.html").read_text()).words
    for said in ("Wrong objects", "halo", "Found by size of the true object", "Areas", "by drawing the 2 groups anew"):
        assert said in plain, said
    for said in ("Scores over the threshold", "Most suspicious first", "MaxF", "Log-loss", "Training Job"):
        assert said not in plain, said
    monkeypatch.setattr("analysis.report.report.summary_to_json", lambda summary: full_scores(summary_to_json(summary)))
    report(predictions, dataset, tmp_path / "full", workers=1)
    page = Page((tmp_path / "full" / "index.html").read_text())
    page.check_whole()
    for said in ("Threshold", "Suspicious labels", "MaxF 0.9000", "Log-loss 0.0123", "Best Dice 0.9000 at 0.400"):
        assert said in page.words, said


MADE: dict[str, Any] = {
    "at": "2026-11-28T23:50:00Z",
    "tool_version": "1",
    "command": [],
    "predictions": "p",
    "dataset": "cars",
    "dataset_sha256": None,
    "truth_sha256": "0" * 64,
    "splits": {"": 1},
}


def test_a_page_of_bare_scores_still_stands() -> None:
    """Without any block that has data of its own."""
    by_class = {"_background_": 1.0, "car": None}
    one = {"iou": by_class, "dice": by_class, "mean_iou": 1.0, "mean_dice": 1.0}
    one |= {"mean_iou_foreground": None, "pixel_accuracy": 1.0}
    scores = {
        "classes": ["_background_", "car"],
        "images": 0,
        "judged": {"pixels": 9, "of": 9, "share": 1.0, "not_predicted": 0},
        "confusion": [[9, 0], [0, 0]],
        "overall": one,
        "per_image_mean": one,
        "groups": {"g": {"images": 1, **one}},
        "made": MADE,
        "job": {},
    }
    colours = AGREEMENT_COLOURS[ColourScheme.DEFAULT]
    page = Page(
        render_page(
            "bare",
            scores,
            ModelFacts(),
            {"plots": {}, "worst": []},
            PageImages(0, {}, 0, strips=False, overlays=0),
            colours,
        )
    )
    page.check_whole()
    assert "IoU, car –" in page.words
    assert "were judged" not in page.words
    assert "there is nothing to plot" in page.words


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
    monkeypatch.setattr("analysis.report.page.page_data.WORST", 1)
    report(predictions, dataset, tmp_path / "out", workers=1)
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert page.data["columns"]["stem"] == ["a_02", "a_01", "b_01"]
    assert list(page.data["thumbnails"]) == ["0", "2"]  # the worst, and the best beside it
    assert "Thumbnails of 2 images are inside this page" in page.words


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

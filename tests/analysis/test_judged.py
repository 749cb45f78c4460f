"""What is judged: pixels that were predicted and whose truth is known, and that all who are compared judge."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.comparison.compare import compare
from analysis.comparison.page import write_comparison
from analysis.comparison.reading import read_reports
from analysis.comparison.text import format_comparison
from analysis.masks.combine import combine
from analysis.masks.stitch import stitch
from analysis.options import Rule, ScoringOptions
from analysis.report.report import report
from analysis.report.scores_text import format_scores
from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow, write_manifest
from formats.masks import Mask, read_mask
from formats.predictions import ModelFacts, open_predictions
from sageseg.cli import app
from sageseg.experiment.command_lines import check_words
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.tables import table_of

STEMS = ("a_01", "a_02", "b_01")
IMAGES = {stem: disc_image(90, 70, seed=n) for n, stem in enumerate(STEMS)}
TRUE = {stem: mask for stem, (_, mask) in IMAGES.items()}
PREDICTED = {stem: np.roll(TRUE[stem], by, axis=1) for stem, by in zip(STEMS, (3, 9, 0), strict=True)}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", IMAGES, crop=32)


def iou(truth: Mask, prediction: Mask) -> float:
    return float((truth & prediction).sum() / (truth | prediction).sum())


def where_predicted(rows: Sequence[ManifestRow], stem: str) -> npt.NDArray[np.bool_]:
    """The pixels of an image that lie in a kept crop, (70, 90)."""
    seen = np.zeros((70, 90), bool)
    for row in rows:
        if row.source_stem == stem and row.kept:
            seen[row.y : row.y + row.height, row.x : row.x + row.width] = True
    return seen


def test_what_was_not_predicted_is_not_judged_and_said(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept_only = make_predictions(tmp_path / "kept", dataset, PREDICTED)
    scores = report(kept_only, dataset, tmp_path / "out", workers=1)
    seen = {stem: where_predicted(dataset.rows, stem) for stem in STEMS}
    truth, predicted = (np.concatenate([each[stem][seen[stem]] for stem in STEMS]) for each in (TRUE, PREDICTED))
    assert scores["overall"]["iou"]["_background_"] == pytest.approx(iou(1 - truth, 1 - predicted))
    assert scores["overall"]["iou"]["car"] == pytest.approx(iou(truth, predicted))
    pixels, every = truth.size, 3 * 90 * 70
    assert pixels < every
    command = "sageseg jobs predict sample-job DATASET --split val --images IMAGES --out OUT"
    assert scores["judged"] == {
        "pixels": pixels,
        "of": every,
        "share": pixels / every,
        "not_predicted": every - pixels,
        "images_not_predicted": 0,
        "predict_all": command,
    }
    words = Page((tmp_path / "out" / "index.html").read_text()).words
    for told in (words, format_scores(scores)):
        assert f"{100 * pixels / every:.1f} % of the pixels were judged" in told
        assert f"{every - pixels:,} were not predicted; to judge them: {command}" in told
    assert "Flat grey stands where" in words
    check_words(app, shlex.split(command)[1:])
    columns = Page((tmp_path / "out" / "index.html").read_text()).data["columns"]
    shares = dict(zip(columns["stem"], columns["judged"], strict=True))
    assert shares == {stem: pytest.approx(seen[stem].mean(), abs=1e-6) for stem in STEMS}
    rows = table_of(tmp_path / "out" / "images.csv")
    assert {row["stem"]: int(row["judged_pixels"]) for row in rows} == {stem: seen[stem].sum() for stem in STEMS}
    assert sum(int(row["not_predicted_pixels"]) for row in rows) == every - pixels


def comparable(scores: dict[str, Any]) -> dict[str, Any]:
    """What crops and masks that were stitched of them have in common: not when they were made, nor crops' edges."""
    return {key: value for key, value in scores.items() if key not in ("made", "crop_edges")}


def test_what_is_stitched_knows_what_was_not_predicted(dataset: Dataset, tmp_path: Path) -> None:
    kept_only = make_predictions(tmp_path / "kept", dataset, PREDICTED)
    scores = report(kept_only, dataset, tmp_path / "out", workers=1)
    stitch(kept_only, dataset, tmp_path / "stitched", workers=1)
    stitch(open_predictions(tmp_path / "stitched"), dataset, tmp_path / "again", workers=1)
    for name in ("stitched", "again"):
        stitched = open_predictions(tmp_path / name)
        assert comparable(report(stitched, dataset, tmp_path / f"report-{name}", workers=1)) == comparable(scores)
        table = (tmp_path / f"report-{name}" / "images.csv").read_text()
        assert table == (tmp_path / "out" / "images.csv").read_text()


def test_what_is_stitched_without_a_dataset_knows_where_no_crop_lies(dataset: Dataset, tmp_path: Path) -> None:
    stitch(make_predictions(tmp_path / "kept", dataset, PREDICTED), None, tmp_path / "stitched", workers=1)
    scores = report(open_predictions(tmp_path / "stitched"), dataset, tmp_path / "out", workers=1)
    covered = np.zeros((3, 70, 90), bool)
    for row in dataset.rows:
        if row.kept:
            covered[STEMS.index(row.source_stem), row.y : row.y + row.height, row.x : row.x + row.width] = True
    assert 0 < scores["judged"]["pixels"] <= covered.sum() < covered.size
    assert scores["judged"]["of"] == covered.size


def test_an_image_of_which_nothing_was_predicted_is_in_the_share(tmp_path: Path) -> None:
    image, mask = disc_image(64, 64)
    empty = np.zeros_like(mask)
    dataset = make_dataset(tmp_path / "d", {"a_1": (image, mask), "b_1": (image, empty)}, crop=32)
    predictions = make_predictions(tmp_path / "p", dataset, {"a_1": mask, "b_1": empty})
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    assert (scores["images"], scores["judged"]["images_not_predicted"]) == (1, 1)
    assert (scores["judged"]["of"], scores["judged"]["not_predicted"]) == (2 * 64 * 64, 64 * 64)
    assert "1 image not at all" in format_scores(scores)


def test_an_image_that_is_ignored_all_over_is_judged_nowhere(tmp_path: Path) -> None:
    image, mask = disc_image(40, 30)
    dataset = make_dataset(tmp_path / "d", {"a_1": (image, np.full_like(mask, 255)), "b_1": (image, mask)})
    predictions = make_predictions(tmp_path / "p", dataset, {"a_1": mask, "b_1": np.zeros_like(mask)})
    scores = report(predictions, dataset, tmp_path / "out", workers=1)
    assert scores["judged"]["of"] == scores["judged"]["pixels"] == 40 * 30
    assert scores["per_image_mean"]["dice"]["car"] == 0
    assert scores["missed"]["on_empty_images"]["images"] == 1
    assert scores["false_positives"]["on_empty_images"]["images"] == 0
    (row,) = [row for row in table_of(tmp_path / "out" / "images.csv") if row["stem"] == "a_1"]
    assert (row["judged_pixels"], row["dice_car"], row["mean_dice"], row["pixel_accuracy"]) == ("0", "", "", "")


def test_what_one_of_combined_models_did_not_predict_is_not_judged(dataset: Dataset, tmp_path: Path) -> None:
    parts = make_predictions(tmp_path / "kept", dataset, PREDICTED)
    whole = make_predictions(tmp_path / "whole", dataset, PREDICTED, dropped_too=True)
    for each in (parts, whole):
        stitch(each, dataset, tmp_path / f"{each.root.name}-stitched", workers=1)
    both = [open_predictions(tmp_path / f"{name}-stitched") for name in ("whole", "kept")]
    combine(both, tmp_path / "both", by=Rule.MAJORITY, workers=1)
    judged = report(open_predictions(tmp_path / "both"), dataset, tmp_path / "out", workers=1)["judged"]
    assert judged["not_predicted"] == report(parts, dataset, tmp_path / "one", workers=1)["judged"]["not_predicted"] > 0


def test_false_positives_are_told_by_the_area_that_was_judged(dataset: Dataset, tmp_path: Path) -> None:
    kept_only = make_predictions(tmp_path / "kept", dataset, PREDICTED)
    scores = report(kept_only, dataset, tmp_path / "out", workers=1)
    wrong = scores["false_positives"]
    assert wrong["per_megapixel"] == pytest.approx(wrong["count"] / (scores["judged"]["pixels"] / 1e6))


@pytest.fixture
def reports(dataset: Dataset, tmp_path: Path) -> dict[str, Path]:
    """One model: of the crops that have files, of all crops, and of all but in one image."""
    made = {}
    for name, dropped in (("kept", ()), ("whole", STEMS), ("most", STEMS[1:])):
        predictions = make_predictions(tmp_path / f"p-{name}", dataset, PREDICTED, dropped_too=True)
        for row in dataset.rows:
            if not row.kept and row.source_stem not in dropped:
                predictions.mask_path(row.id).unlink()
        made[name] = tmp_path / name
        report(predictions, dataset, made[name], workers=1, scoring=ScoringOptions(draws=0))
    return made


def test_a_model_is_not_compared_with_itself_on_other_pixels(reports: Mapping[str, Path]) -> None:
    worst = table_of(reports["kept"] / "images.csv")[0]
    share = 100 * int(worst["judged_pixels"]) / (90 * 70)
    told = rf"{worst['stem']}: judged {share:.1f} % of it \([\d,]+ pixels\) in \S+/kept"
    told += r" and 100.0 % of it \(6,300 pixels\) in \S+/whole \(3 of 3 images differ so\); predict all crops for both"
    with pytest.raises(SagesegError, match=told) as raised:
        read_reports([reports["kept"], reports["whole"]])
    assert "--common" not in str(raised.value)
    with pytest.raises(SagesegError, match="predict all crops for both"):
        read_reports([reports["kept"], reports["whole"]], common=True)


def test_common_compares_what_all_judge_and_says_so(reports: Mapping[str, Path], tmp_path: Path) -> None:
    pair = [reports["most"], reports["whole"]]
    with pytest.raises(SagesegError, match=r"or compare the 2 that are judged alike with --common"):
        read_reports(pair)
    comparison = write_comparison(pair, tmp_path / "out", common=True)
    assert (comparison["images"], comparison["judged_differently"], comparison["judged_share"]) == (2, 1, 1.0)
    assert [each["left_out"] for each in comparison["reports"]] == [1, 1]
    assert comparison["differences"][0]["iou"]["mean"] == 0
    assert comparison["differences"][0]["iou"]["same"] == 2
    text = format_comparison(comparison)
    assert re.search(r"left out, judged differently +1", text)
    assert "not in all" not in text
    assert "1 image more that all reports have is left out" in Page((tmp_path / "out" / "index.html").read_text()).words


def test_what_all_leave_out_alike_is_compared_and_its_share_said(reports: Mapping[str, Path], tmp_path: Path) -> None:
    rows = table_of(reports["kept"] / "images.csv")
    share = sum(int(row["judged_pixels"]) for row in rows) / (3 * 90 * 70)
    again = shutil.copytree(reports["kept"], tmp_path / "again")
    comparison = write_comparison([reports["kept"], again], tmp_path / "out")
    assert comparison["judged_share"] == pytest.approx(share)
    told = f"{100 * share:.1f} % of "
    assert told in format_comparison(comparison)
    assert told in Page((tmp_path / "out" / "index.html").read_text()).words


def test_reports_by_another_truth_are_not_compared(reports: Mapping[str, Path], tmp_path: Path) -> None:
    other = make_dataset(tmp_path / "other", {**IMAGES, "b_01": (IMAGES["b_01"][0], PREDICTED["a_01"])}, crop=32)
    stitched = make_predictions(tmp_path / "p-stitched", make_dataset(tmp_path / "w", IMAGES), PREDICTED)
    report(stitched, other, tmp_path / "one", workers=1)
    with pytest.raises(SagesegError, match=r"b_01: judged by another truth in \S+/one than in \S+/whole \(1 of 3"):
        read_reports([reports["whole"], tmp_path / "one"])


CLASSES = ClassTable(("_background_", "car", "tree"))


def test_a_class_that_one_model_makes_up_is_right_where_the_others_see_none(tmp_path: Path) -> None:
    """Dice is 1 where a class is in neither; whether it counts is settled for all reports together."""
    masks = {stem: mask for stem, (_, mask) in IMAGES.items()}
    dataset = make_dataset(tmp_path / "d", IMAGES, classes=CLASSES)
    guessed = {**masks, "a_01": masks["a_01"].copy()}
    guessed["a_01"][:4, :4] = 2
    for name, predicted in (("right", masks), ("dreamer", guessed)):
        predictions = make_predictions(tmp_path / f"p-{name}", dataset, predicted, model=ModelFacts(job=name))
        report(predictions, dataset, tmp_path / name, workers=1)
    comparison = compare(read_reports([tmp_path / "right", tmp_path / "dreamer"]))
    right, dreamer = (each["per_image_mean"]["dice"] for each in comparison["reports"])
    assert (right, dreamer) == (1.0, pytest.approx(((1 + 0) / 2 + 1 + 1) / 3))
    assert comparison["differences"][0]["dice"]["worse"] == 0


def test_what_a_crop_covers_is_judged_though_its_absent_neighbour_owns_it(tmp_path: Path) -> None:
    """Two crops of 32 overlap in the middle of 48 columns; the right one, without objects, was dropped."""
    mask = np.zeros((32, 48), np.uint8)
    mask[10:20, 4:16] = 1
    image = np.zeros((32, 48, 3), np.uint8)
    dataset = make_dataset(tmp_path / "d", {"a_1": (image, mask)}, crop=32, overlap=16)
    predictions = make_predictions(tmp_path / "p", dataset, {"a_1": np.ones_like(mask)})
    (row,) = predictions.rows
    assert (row.x, row.width) == (0, 32)
    scores = report(predictions, dataset, tmp_path / "crops", workers=1)
    assert scores["judged"]["pixels"] == 32 * 32
    for name, known in (("with", dataset), ("without", None)):
        stitch(predictions, known, tmp_path / name, workers=1)
        stitched = open_predictions(tmp_path / name)
        assert (read_mask(stitched.mask_path("a_1")) == 1).sum() == 32 * 32
        assert comparable(report(stitched, dataset, tmp_path / f"report-{name}", workers=1)) == comparable(scores)


@pytest.mark.parametrize("gone", [(), (0,), (1, 2), (4,), (0, 5, 8)])
def test_with_and_without_the_dataset_crops_make_one_mask(gone: tuple[int, ...], tmp_path: Path) -> None:
    """Of nine crops that overlap, some were dropped: every pixel that another covers is taken from it."""
    image, mask = disc_image(64, 64)
    dataset = make_dataset(tmp_path / "d", {"a_1": (image, mask)}, crop=32, overlap=16, drop_empty=False)
    rows = [replace(row, kept=place not in gone, foreground=0.0) for place, row in enumerate(dataset.rows)]
    write_manifest(dataset.root / "manifest.csv", rows)
    dataset = open_dataset(dataset.root)
    predictions = make_predictions(tmp_path / "p", dataset, {"a_1": np.ones_like(mask)})
    covered = np.zeros((64, 64), bool)
    for row in predictions.rows:
        covered[row.y : row.y + row.height, row.x : row.x + row.width] = True
    both = {"with": dataset, "without": None}
    done = {name: stitch(predictions, known, tmp_path / name, workers=1) for name, known in both.items()}
    for name in done:
        assert np.array_equal(read_mask(tmp_path / name / "masks/a_1.png") == 1, covered)
    assert done["without"].uncovered_pixels == (~covered).sum()


def test_a_whole_image_of_another_size_needs_to_be_told_of_its_resize(tmp_path: Path) -> None:
    image, mask = disc_image(40, 30)
    dataset = make_dataset(tmp_path / "d", {"a_1": (image, mask)})
    predictions = make_predictions(tmp_path / "p", dataset, {"a_1": mask})
    rows = [replace(row, source_width=80, source_height=60) for row in predictions.rows]
    write_manifest(predictions.root / "manifest.csv", rows)
    with pytest.raises(SagesegError, match="a whole image of 40×30, but its source has 80×60, and nothing tells of a"):
        stitch(open_predictions(predictions.root), None, tmp_path / "s", workers=1)
    (predictions.root / "predictions.json").write_text('{"resize": "40x30"}')
    stitch(open_predictions(predictions.root), None, tmp_path / "s", workers=1)
    assert read_mask(tmp_path / "s/masks/a_1.png").shape == (60, 80)

"""The comparison's page: whole and safe, what it holds, and which settings it shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from analysis.comparison.compare import by_disagreement
from analysis.comparison.curves import common_curves
from analysis.comparison.page import whisker, write_comparison
from analysis.comparison.page_data import SCALE, page_data
from analysis.comparison.reading import read_reports
from analysis.comparison.settings import about_datasets, settings
from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.report.report import report
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.predictions import ModelFacts
from tests.support.compared_reports import (
    SAMPLES,
    make_report,
    page_of,
)
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.tables import table_of


def test_what_the_page_knows_is_what_the_reports_say(several: list[Path]) -> None:
    reports = read_reports(several)
    data = page_data(reports, ["../left/", "../right/"], AGREEMENT_COLOURS[ColourScheme.DEFAULT])
    assert data["stems"] == [stem for stem, _ in by_disagreement(reports)]
    for report_place, each in enumerate(reports):
        for part in (0, 2):
            known = each.values(data["stems"], "iou")[:, part].tolist()
            assert np.array(data["scores"]["iou"][report_place][part]) / SCALE == pytest.approx(known, abs=1e-6)
        assert data["scores"]["iou"][report_place][3] == [None] * 4
    assert data["byClass"] is True
    assert sorted(data["attributes"]["angle"]["values"]) == ["01", "02"]
    assert list(data["thumbnails"]) == [0, 1, 2, 3]
    assert all(len(each["pairs"]) == 2 for each in data["thumbnails"].values())


def test_scores_of_classes_that_are_too_many_stay_out_of_the_page(
    several: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.comparison.page_data.MOST_VALUES", 40)
    write_comparison(several, tmp_path / "out")
    page = page_of(tmp_path / "out")
    assert page.data["byClass"] is False
    assert [len(parts) for parts in page.data["scores"]["iou"]] == [1, 1]
    assert "too many for this page: images.csv beside it holds them" in page.words


def test_thumbnails_take_no_more_than_their_share_of_the_page(
    several: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_comparison(several, tmp_path / "whole")
    first = page_of(tmp_path / "whole").data["thumbnails"]["0"]
    letters = len(first["image"]) + sum(len(each["pairs"]) for each in first["pairs"])
    monkeypatch.setattr("analysis.comparison.page_data.MOST_LETTERS", letters)
    write_comparison(several, tmp_path / "out")
    assert list(page_of(tmp_path / "out").data["thumbnails"]) == ["0"]


def test_a_damaged_picture_is_named(good: Path, poor: Path, tmp_path: Path) -> None:
    picture = poor / "layers" / "image" / "b_01.jpg"
    picture.unlink()  # which may be a link to the dataset's
    picture.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(SagesegError, match=r"poor/layers/image/b_01\.jpg"):
        write_comparison([good, poor], tmp_path / "out")


def test_a_difference_lies_on_the_scale_of_its_pair() -> None:
    drawn = whisker({"mean": 0.1, "interval": (-0.1, 0.2)}, 0.2)
    assert drawn is not None
    assert (drawn.mean, drawn.low, drawn.high) == pytest.approx((75, 25, 100))
    alone = whisker({"mean": -0.2, "interval": None}, 0.2)
    assert alone is not None
    assert (alone.low, alone.mean, alone.high) == pytest.approx((0, 0, 0))
    assert whisker({"mean": None, "interval": None}, 1) is None


def test_the_page_is_whole_and_links_to_the_reports(good: Path, poor: Path, tmp_path: Path) -> None:
    out = tmp_path / "somewhere" / "out"
    write_comparison([good, poor], out)
    page = page_of(out)
    page.check_whole()
    beside = {(out / unquote(link)).resolve() for link in page.links if not link.startswith("#")}
    assert beside == {good / "index.html", poor / "index.html", out / "comparison.json", out / "images.csv"}
    assert all(path.is_file() for path in beside)
    for each, folder in zip(page.data["reports"], (good, poor), strict=True):
        assert each["folder"].endswith("/")
        assert (out / unquote(each["folder"])).resolve() == folder
    made = json.loads((good / "scores.json").read_text())["made"]
    digest = made["dataset_sha256"][:12]
    assert "Many comparisons" not in page.words  # one pair, one class
    for said in ("good against poor", "14 min 25 s", "deeplab", "momentum", f"One dataset: dataset, digest {digest}"):
        assert said in page.words, said
    assert page.text.count("<polyline") == 4


@pytest.mark.parametrize("number", [2, 3, 6])
def test_so_many_reports_are_compared_each_with_each(number: int, dataset: Dataset, tmp_path: Path) -> None:
    stems = {"a_01": 0, "b_01": 0}
    folders = [make_report(tmp_path / f"{n}-{'long' * 30}", dataset, dict.fromkeys(stems, n)) for n in range(number)]
    comparison = write_comparison(folders, tmp_path / "out")
    assert len(comparison["differences"]) == number * (number - 1) // 2
    assert len({each["name"] for each in comparison["reports"]}) == number
    assert all(pair["iou"]["mean"] > 0 for pair in comparison["differences"])
    assert len(table_of(tmp_path / "out" / "images.csv")[0]) == 2 + 2 * (number + number * (number - 1) // 2)


def test_html_in_names_is_escaped(tmp_path: Path) -> None:
    stem = 'x"<script>alert(1)'
    classes = ClassTable(("_background_", "<script>car"))
    dataset = make_dataset(tmp_path / "d", {stem: disc_image(40, 30)}, classes=classes, groups={stem: "<script>g"})
    folders = []
    for name, by in (("one", 1), ("two", 5)):
        masks = {stem: np.roll(disc_image(40, 30)[1], by, axis=1)}
        model = ModelFacts(job=f"<script>{name}", hyperparameters={"<script>": "<script>"}, backbone="<script>")
        predictions = make_predictions(tmp_path / f"p-{name}", dataset, masks, model=model)
        folders.append(tmp_path / f"<b>{name}")
        report(predictions, dataset, folders[-1], workers=1)
    write_comparison(folders, tmp_path / "out")
    page = Page((tmp_path / "out" / "index.html").read_text())
    page.check_whole()
    assert len(page.scripts) == page.text.count("<script") == 2
    assert "<script>one against <script>two" in page.words
    assert "<b>one" not in page.text
    assert unquote(page.data["reports"][0]["folder"]) == "../<b>one/"


def test_curves_of_jobs_share_their_axes() -> None:
    short = [{"train_loss": 1.0}, {"train_loss": 0.0}]
    long = [{"train_loss": 2.0}, {"train_loss": 2.0}, {"train_loss": 1.0}]
    ((label, lines),) = common_curves({"short": short, "long": long, "none": []})
    assert label == "Training loss"
    assert [line.points for line in lines] == ["0.00,50.00 50.00,100.00", "0.00,0.00 50.00,0.00 100.00,50.00"]


def test_settings_that_differ_are_shown_and_what_is_missing_has_words(good: Path, poor: Path, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    shutil.copytree(good, nobody)
    scores = json.loads((nobody / "scores.json").read_text())
    del scores["job"], scores["made"]
    (nobody / "scores.json").write_text(json.dumps(scores))
    reports = read_reports([good, poor, nobody])
    differing, same = ({each.label: each.values for each in half} for half in settings(reports))
    assert differing["Algorithm"] == ("deeplab", "fcn", "not known")
    assert differing["lr"] == ("1", "not set", "not known")
    assert differing["momentum"] == ("not set", "0.9", "not known")
    assert not same
    differing, same = ({each.label: each.values for each in half} for half in settings(reports[:2]))
    assert same["Dataset"] == ("dataset", "dataset")
    assert "Dataset" not in differing
    assert {"Job", "Predictions", "Training time", "Epochs"} <= set(differing)
    assert about_datasets(reports).startswith("Not every report tells the digest")


@pytest.mark.parametrize(
    ("groups", "differ"),
    [
        ({"a_01": "a", "a_02": "a", "b_01": "b", "c_01": "c"}, False),
        ({"a_01": "x", "a_02": "x", "b_01": "a", "c_01": "y"}, False),  # the same groups by other names
        (dict.fromkeys(SAMPLES, "all"), True),
        ({stem: stem for stem in SAMPLES}, True),
        ({"a_01": "a", "a_02": "b", "b_01": "b", "c_01": "c"}, True),
    ],
)
def test_other_groups_in_another_report_are_told(
    groups: dict[str, str], differ: bool, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = make_dataset(tmp_path / "grouped", SAMPLES, groups=groups)
    other = make_report(tmp_path / "other", dataset, dict.fromkeys(SAMPLES, 3))
    capsys.readouterr()
    comparison = write_comparison([good, other], tmp_path / "out")
    assert comparison["grouped_otherwise"] == ["other"] * differ
    assert comparison["groups"] == 3
    told = capsys.readouterr().err
    assert ("note: images are grouped as in good, for intervals too; other groups them otherwise" in told) is differ
    assert ("Images are grouped as in good" in page_of(tmp_path / "out").words) is differ


def test_settings_that_are_the_same_are_folded_away(good: Path, dataset: Dataset, tmp_path: Path) -> None:
    hyperparameters = {f"h{n}": "1" for n in range(9)}
    one, two = (
        make_report(
            tmp_path / name, dataset, {"a_01": 1}, ModelFacts(job=name, hyperparameters={**hyperparameters, "lr": lr})
        )
        for name, lr in (("one", "1"), ("two", "2"))
    )
    write_comparison([one, two], tmp_path / "out")
    text = page_of(tmp_path / "out").text
    assert "12 settings are the same" in text  # nine, and the dataset's name, digest and split
    shown, folded = text.split("12 settings are the same")
    assert "<code>lr</code>" in shown
    assert "<code>h3</code>" not in shown
    assert "<code>h3</code>" in folded
    write_comparison([one, shutil.copytree(one, tmp_path / "copy")], tmp_path / "twice")
    assert "No setting that the reports tell differs." in page_of(tmp_path / "twice").words


def test_masks_that_only_one_model_had_cleaned_are_told(good: Path, poor: Path) -> None:
    scores = json.loads((poor / "scores.json").read_text())
    done = {"removed": 3, "removed_pixels": 40, "filled": 0, "filled_pixels": 0}
    scores["cleaned"] = [{"least_pixels": 20, "largest": None, "fill_holes": None, **done}]
    (poor / "scores.json").write_text(json.dumps(scores))
    differing, _ = settings(read_reports([good, poor]))
    values = next(each.values for each in differing if each.label == "Masks")
    assert values[0] == "not cleaned"
    assert values[1].startswith("--least-pixels 20: 3 objects of 40 pixels")


def test_other_datasets_of_the_same_truth_are_said(good: Path, tmp_path: Path) -> None:
    whole = make_dataset(tmp_path / "again", SAMPLES, groups={"a_01": "z"})
    other = make_report(tmp_path / "other", whole, {"a_01": 0, "a_02": 1, "b_01": 1, "c_01": 2})
    assert about_datasets(read_reports([good, other])).startswith("Different datasets; each image")


def test_an_older_report_is_compared_without_its_pictures(
    good: Path, poor: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(poor / "layers" / "pairs")
    scores = json.loads((poor / "scores.json").read_text())
    del scores["made"]
    (poor / "scores.json").write_text(json.dumps(scores))
    capsys.readouterr()
    write_comparison([good, poor], tmp_path / "out")
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert told == ["note: no images of poor, for layers/ lacks them: make the report again to see them"]
    page = page_of(tmp_path / "out")
    assert [each["pairs"][1] for each in page.data["thumbnails"].values()] == [None] * 4
    assert "of an older sageseg, which tells no date" in page.words

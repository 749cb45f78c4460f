"""Reports side by side: differences of the same images, intervals over groups, a page that is safe."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from _pytest.capture import CaptureResult
from hypothesis import given
from hypothesis import strategies as st

from analysis.cli import app
from analysis.comparison.compare import by_disagreement, compare
from analysis.comparison.differences import paired_interval, paired_intervals
from analysis.comparison.page import whisker, write_comparison
from analysis.comparison.page_data import SCALE, page_data
from analysis.comparison.pooled import pooled_scores
from analysis.comparison.reading import read_reports
from analysis.comparison.settings import about_datasets, settings
from analysis.comparison.text import format_comparison
from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.options import ScoringOptions
from analysis.report.charts import common_curves
from analysis.report.report import report
from analysis.report.scores_text import format_scores
from analysis.scoring.scores import FOREGROUND, METRICS, Metric, Tally, ratio
from formats.classes import ClassTable
from formats.console import run_app
from formats.dataset import Dataset, manifest_path, open_dataset
from formats.errors import SagesegError
from formats.manifest import write_manifest
from formats.predictions import ModelFacts
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions
from tests.support.page_reader import Page

STEMS = ("a_01", "a_02", "b_01", "c_01")
SAMPLES = {stem: disc_image(60, 50, seed=n) for n, stem in enumerate(STEMS)}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", SAMPLES)


def make_report(folder: Path, dataset: Dataset, shifts: Mapping[str, int], model: ModelFacts | None = None) -> Path:
    """The report of a model that is so many pixels off, by image."""
    masks = {stem: np.roll(SAMPLES[stem][1], by, axis=1) for stem, by in shifts.items()}
    root, model = folder.with_name(folder.name + "-predictions"), model or ModelFacts(job=folder.name)
    predictions = make_predictions(root, dataset, masks, model=model)
    report(predictions, dataset, folder, workers=1, scoring=ScoringOptions(partial=True, draws=20))
    return folder


@pytest.fixture
def good(tmp_path: Path, dataset: Dataset) -> Path:
    epochs = [{"epoch": n, "train_loss": 1 / (n + 1), "validation_mIOU": n / 5} for n in range(4)]
    model = ModelFacts(job="good", algorithm="deeplab", hyperparameters={"lr": "1"}, seconds=865, epochs=epochs)
    return make_report(tmp_path / "good", dataset, {"a_01": 0, "a_02": 1, "b_01": 1, "c_01": 2}, model)


@pytest.fixture
def poor(tmp_path: Path, dataset: Dataset) -> Path:
    epochs = [{"epoch": n, "train_loss": 2 / (n + 1), "validation_mIOU": n / 9} for n in range(6)]
    given = {"momentum": "0.9"}
    model = ModelFacts(job="poor", algorithm="fcn", hyperparameters=given, seconds=400, epochs=epochs)
    return make_report(tmp_path / "poor", dataset, {"a_01": 4, "a_02": 4, "b_01": 9, "c_01": 1}, model)


def ious(folder: Path) -> dict[str, float]:
    with (folder / "images.csv").open(newline="") as file:
        return {row["stem"]: float(row["iou_car"]) for row in csv.DictReader(file)}


def test_differences_are_paired_by_image(good: Path, poor: Path, tmp_path: Path) -> None:
    comparison = write_comparison([good, poor], tmp_path / "out")
    one, other = ious(good), ious(poor)
    differences = [one[stem] - other[stem] for stem in STEMS]
    (pair,) = comparison["differences"]
    assert (pair["a"], pair["b"]) == ("good", "poor")
    assert pair["iou"]["mean"] == pytest.approx(np.mean(differences))
    assert (pair["iou"]["better"], pair["iou"]["worse"], pair["iou"]["same"]) == (3, 1, 0)
    assert pair["iou"]["interval"] == pytest.approx(
        paired_interval(np.array(differences), ["a", "a", "b", "c"]), abs=1e-6
    )
    assert pair["iou"]["interval"] != pytest.approx(paired_interval(np.array(differences), list(STEMS)), abs=1e-6)
    assert comparison["images"] == 4
    assert comparison["groups"] == 3
    assert json.loads((tmp_path / "out" / "comparison.json").read_text()) == json.loads(json.dumps(comparison))


def test_the_largest_disagreement_stands_first(good: Path, poor: Path) -> None:
    comparison = compare(read_reports([good, poor]))
    spreads = [each["spread"] for each in comparison["disagreements"]]
    assert spreads == sorted(spreads, reverse=True)
    first = comparison["disagreements"][0]
    assert (first["stem"], first["group"]) == ("b_01", "b")
    assert first["iou"] == {"good": ious(good)["b_01"], "poor": ious(poor)["b_01"]}


def test_reports_of_other_images_are_refused_with_the_command_that_compares_the_common_ones(
    good: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = make_report(tmp_path / "a part", dataset, {"a_01": 3, "b_01": 3})
    told = r"a part: 2 of the 4 images that the reports judge are not in it \(\w_0\d, \w_0\d\); predict and"
    for order in ([good, part], [part, good], [good, part, good]):
        with pytest.raises(SagesegError, match=told):
            read_reports(order)
    code, said = typed(["compare", str(good), str(part), "--out", str(tmp_path / "out")], monkeypatch, capsys)
    assert code == 1
    assert len(said.err.splitlines()) == 1
    words = shlex.split(said.err.strip().rpartition(" with ")[2])
    assert words[:2] == ["sageseg", "analysis"]
    assert not (tmp_path / "out").exists()
    assert not typed(words[2:], monkeypatch, capsys)[0]
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["images"] == 2


def test_of_many_reports_the_one_is_named_that_has_no_image_of_all_others(dataset: Dataset, tmp_path: Path) -> None:
    parts = {"one": ("a_01", "b_01"), "two": ("b_01", "c_01"), "three": ("a_01", "c_01")}
    folders = [make_report(tmp_path / name, dataset, dict.fromkeys(stems, 1)) for name, stems in parts.items()]
    with pytest.raises(SagesegError, match=r"three: no image in common with \S+one, \S+two; compare the same images"):
        read_reports(folders, common=True)


def typed(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, CaptureResult[str]]:
    """The exit code of a command of analysis, and what it said."""
    monkeypatch.setattr(sys, "argv", ["analysis", *words])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return stopped.value.code, capsys.readouterr()


def test_of_common_images_all_scores_are_made_anew(good: Path, dataset: Dataset, tmp_path: Path) -> None:
    part = make_report(tmp_path / "part", dataset, {"a_01": 3, "b_01": 3})
    comparison = write_comparison([good, part], tmp_path / "out", common=True)
    assert [each["left_out"] for each in comparison["reports"]] == [2, 0]
    expected = np.mean([ious(good)[stem] for stem in ("a_01", "b_01")])
    assert comparison["reports"][0]["per_image_mean"]["iou"] == pytest.approx(expected)
    again = make_report(tmp_path / "again", dataset, {"a_01": 0, "b_01": 1})
    pooled = json.loads((again / "scores.json").read_text())["overall"]
    assert comparison["reports"][0]["overall"]["mean_iou_foreground"] == pooled["mean_iou_foreground"]
    assert comparison["reports"][0]["overall"]["precision"] == pooled["precision"]
    assert comparison["reports"][0]["intervals"] is None
    assert re.search(r"left out, not in all: good +2$", format_comparison(comparison), re.MULTILINE)
    assert "2 images of good are left out: not all reports have them." in page_of(tmp_path / "out").words


def page_of(folder: Path) -> Page:
    return Page((folder / "index.html").read_text())


def test_pooled_scores_are_left_out_where_they_cannot_be_made_anew(
    good: Path, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = make_report(tmp_path / "part", dataset, {"a_01": 3, "b_01": 3})
    shutil.rmtree(good / "layers")
    capsys.readouterr()
    comparison = write_comparison([good, part], tmp_path / "out", common=True)
    assert comparison["reports"][0]["overall"] is None
    assert comparison["reports"][1]["overall"]
    assert "note: no pooled scores of good" in capsys.readouterr().err
    assert "Pooled scores of good are left out" in page_of(tmp_path / "out").words
    assert "not of good" in format_comparison(comparison)


def test_counting_layers_gives_the_reports_own_scores(good: Path, poor: Path) -> None:
    one, _ = read_reports([good, poor])
    stems = list(one.images)
    counted = pooled_scores(replace(one, images={**one.images, "another": one.images["a_01"]}), stems)
    assert counted is not None
    assert counted["iou"] == one.scores["overall"]["iou"]
    assert counted["pixel_accuracy"] == one.scores["overall"]["pixel_accuracy"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:-20], "damaged"),
        (lambda text: text.replace('"pairs":"', '"pairs":"A'), "damaged"),
        (lambda text: text.replace('"pairs"', '"other"'), "damaged"),
        (lambda text: text.replace('"width":60', '"width":61'), "damaged"),
        (lambda text: text.replace('"classes":2', '"classes":3'), "not of the images.csv beside it"),
    ],
)
def test_a_damaged_layer_file_is_named(
    spoil: Callable[[str], str], message: str, good: Path, dataset: Dataset, tmp_path: Path
) -> None:
    part = make_report(tmp_path / "part", dataset, {"a_01": 3, "b_01": 3})
    file = good / "layers" / "pairs" / "b_01.js"
    file.write_text(spoil(file.read_text()))
    with pytest.raises(SagesegError, match=rf"good/layers/pairs/b_01\.js: {message}.*make the report again"):
        write_comparison([good, part], tmp_path / "out", common=True)


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(-1, 1) | st.just(float("nan"))), min_size=1, max_size=12),
    st.floats(0.1, 0.5),
)
def test_intervals_lie_between_the_extreme_groups_and_move_along(rows: list[tuple[str, float]], by: float) -> None:
    groups, values = [group for group, _ in rows], np.array([value for _, value in rows])
    found = paired_interval(values, groups)
    known = {group for group, value in rows if not np.isnan(value)}
    if len(known) < 2:
        assert found is None
        return
    assert found
    means = [np.mean([v for g, v in rows if g == group and not np.isnan(v)]) for group in known]
    assert min(means) - 1e-9 <= found[0] <= found[1] <= max(means) + 1e-9
    moved = paired_interval(values + by, groups)
    assert moved == pytest.approx((found[0] + by, found[1] + by))


def test_alike_images_of_one_group_give_no_more_certainty() -> None:
    values, groups = np.array([0.1, -0.1, 0.3]), ["a", "b", "c"]
    assert paired_interval(np.repeat(values, 50), list(np.repeat(groups, 50))) == pytest.approx(
        paired_interval(values, groups)
    )


def test_the_interval_is_that_of_all_draws_of_two_groups() -> None:
    """With two groups the mean is a's with probability 1/4, b's with 1/4 and their middle with 1/2."""
    assert paired_interval(np.array([0.0, 1.0]), ["a", "b"]) == (0.0, 1.0)


def test_intervals_of_many_columns_are_those_of_each() -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=(40, 5)), [f"g{n % 7}" for n in range(40)]
    values[rng.random(values.shape) < 0.2] = np.nan
    together = paired_intervals(values, groups)
    for sure, column in zip(together, values.T, strict=True):
        assert sure == pytest.approx(paired_interval(column, groups))


@pytest.fixture
def several(tmp_path: Path) -> list[Path]:
    """Two reports of three classes, of which one is in no image: `left` is off in cars, `right` in roads."""
    images = {}
    for stem, (image, mask) in SAMPLES.items():
        road = mask.copy()
        road[40:][road[40:] == 0] = 2
        images[stem] = image, road
    classes = ClassTable(("_background_", "car", "road", "pole"))
    dataset = make_dataset(tmp_path / "several", images, classes=classes)
    made = []
    for name, off in (("left", 1), ("right", 2)):
        masks = {}
        for number, (stem, (_, mask)) in enumerate(images.items()):
            masks[stem] = mask.copy()
            masks[stem][(np.roll(mask, number, axis=0) != mask) & (mask == off)] = 0
        predictions = make_predictions(tmp_path / f"p-{name}", dataset, masks, model=ModelFacts(job=name))
        report(predictions, dataset, tmp_path / name, workers=1, scoring=ScoringOptions(draws=20))
        made.append(tmp_path / name)
    return made


def test_classes_are_compared_each_with_its_interval(several: list[Path], tmp_path: Path) -> None:
    comparison = write_comparison(several, tmp_path / "out")
    tables = [{row["stem"]: row for row in table_of(folder / "images.csv")} for folder in several]
    (pair,) = comparison["differences"]
    assert list(pair["classes"]) == ["car", "road", "pole"]
    for name in ("car", "road"):
        for key in ("iou", "dice"):
            column = f"{key}_{name}"
            differences = np.array([float(tables[0][stem][column]) - float(tables[1][stem][column]) for stem in STEMS])
            assert pair["classes"][name][key]["mean"] == pytest.approx(differences.mean())
            sure = paired_interval(differences, ["a", "a", "b", "c"])
            assert pair["classes"][name][key]["interval"] == pytest.approx(sure, abs=1e-6)
        expected = np.mean([float(row[f"iou_{name}"]) for row in tables[0].values()])
        assert comparison["reports"][0]["classes"][name]["iou"] == pytest.approx(expected)
    assert pair["classes"]["car"]["iou"]["mean"] < 0 < pair["classes"]["road"]["iou"]["mean"]
    absent = {"mean": None, "interval": None, "better": 0, "worse": 0, "same": 0}
    assert pair["classes"]["pole"] == {"iou": absent, "dice": absent}
    text = format_comparison(comparison)
    assert re.search(r"^road +\+0\.\d+ +\S+ to \S+ +3 +0 +1$", text, re.MULTILINE)
    words = page_of(tmp_path / "out").words
    assert "Many comparisons. These are 6 intervals." in words
    assert "each would leave out 0 by chance in 5 of 100 cases. One bold figure" in words


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_of_images_has_each_score_and_difference(several: list[Path], tmp_path: Path) -> None:
    write_comparison(several, tmp_path / "out")
    rows = table_of(tmp_path / "out" / "images.csv")
    scores = {row["stem"]: row for row in table_of(several[1] / "images.csv")}
    assert {row["stem"] for row in rows} == set(STEMS)
    for row in rows:
        assert row["iou_road of right"] == scores[row["stem"]]["iou_road"]
        assert row["iou_pole of left"] == ""
        expected = float(row["dice of left"]) - float(row["dice of right"])
        assert float(row["dice: left less right"]) == pytest.approx(expected, abs=2e-6)
        assert row["angle"] == scores[row["stem"]]["angle"]
    spreads = [abs(float(row["iou: left less right"])) for row in rows]
    assert spreads == sorted(spreads, reverse=True)


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


def test_reports_of_one_job_are_told_apart(good: Path, tmp_path: Path) -> None:
    again = tmp_path / "again" / "good"
    again.parent.mkdir()
    again.symlink_to(good)
    names = [each.name for each in read_reports([good, again])]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("empty folder", "no report here (scores.json is missing); make one with sageseg analysis report"),
        ("no images", "no report here (images.csv is missing)"),
        ("not json", "scores.json: damaged, no JSON"),
        ("another program's", "scores.json: damaged (it is [1]; expected an object"),
        ("other classes", "classes _background_, cat; expected those of"),
        ("other images", "no image in common with"),
        ("other sizes", "c_01: 50×60 and 60×50 pixels in different reports"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    spoil: str,
    message: str,
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    scores = json.loads((good / "scores.json").read_text())
    table = (good / "images.csv").read_text()
    if spoil == "other classes":
        scores["classes"] = ["_background_", "cat"]
        table = table.replace("_car", "_cat")
    changes = {
        "other images": lambda text: text.replace("a_", "z_").replace("b_", "y_").replace("c_", "x_"),
        "other sizes": lambda text: text.replace(",60,50,", ",50,60,"),
    }
    if spoil != "empty folder":
        contents = {"not json": "{", "another program's": "[1]"}
        (other / "scores.json").write_text(contents.get(spoil, json.dumps(scores)))
        if spoil != "no images":
            header, _, rows = table.partition("\n")
            (other / "images.csv").write_text(header + "\n" + changes.get(spoil, str)(rows))
    monkeypatch.setattr(sys, "argv", ["analysis", "compare", str(good), str(other), "--out", str(tmp_path / "out")])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    captured = capsys.readouterr()
    assert stopped.value.code == 1
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_table_of_images_that_cannot_be_is_refused(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(good, other)
    table = (good / "images.csv").read_text()
    for spoilt, message in (
        (table + table.splitlines()[1] + "\n", "stands twice"),
        (table.replace(",60,50,", ",6,5,"), "pixels judged, more than 6×5 has"),
        (table.replace(",60,50,", ",60,0,"), "an image without pixels"),
    ):
        (other / "images.csv").write_text(spoilt)
        with pytest.raises(SagesegError, match=rf"other/images\.csv: .*{message}"):
            read_reports([good, other])


def test_one_report_is_not_compared(good: Path) -> None:
    with pytest.raises(SagesegError, match="1 report; expected two or more"):
        read_reports([good])


def test_the_command_prints_a_table(
    good: Path, poor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["analysis", "compare", str(good), str(poor), "--out", str(out)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    assert not stopped.value.code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "IoU", "Dice", "IoU", "pooled", "training", "USD"]
    assert lines[1].split()[0] == "good"
    assert lines[-1] == str(out / "index.html")


def test_a_new_score_is_one_entry_in_the_table(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed: Metric[Tally] = Metric(
        "miss_rate",
        "Miss rate",
        "FN / (TP + FN)",
        "How much of what is true was not found.",
        lambda t: ratio(t.fn, t.tp + t.fn),
        means={"mean_miss_rate": FOREGROUND},
        heading="missed",
        compared=True,
    )
    monkeypatch.setattr("analysis.scoring.scores.METRICS", (*METRICS, missed))
    one, two = (
        make_report(tmp_path / name, dataset, {"a_01": by, "b_01": by}) for name, by in (("one", 2), ("two", 5))
    )
    scores = json.loads((two / "scores.json").read_text())
    rate = scores["overall"]["miss_rate"]["car"]
    assert rate == scores["overall"]["mean_miss_rate"] == pytest.approx(1 - scores["overall"]["recall"]["car"])
    assert scores["intervals"]["overall"]["mean_miss_rate"]
    _, (headings, *_, car) = (block.splitlines() for block in format_scores(scores).split("\n\n")[:2])
    assert (headings.split()[-1], car.split()[-1]) == ("missed", f"{rate:.4f}")
    assert "miss_rate_car" in (two / "images.csv").read_text().splitlines()[0].split(",")
    assert "Miss rate" in Page((two / "index.html").read_text()).words
    comparison = write_comparison([one, two], tmp_path / "both")
    assert comparison["differences"][0]["miss_rate"]["worse"] == 2  # counts the lower rate
    assert "Dice  Miss rate  IoU pooled" in format_comparison(comparison)
    assert "Miss rate per image" in Page((tmp_path / "both" / "index.html").read_text()).words


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
    write_comparison([one, one], tmp_path / "twice")
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


def test_an_older_table_of_images_is_one_line(good: Path, poor: Path) -> None:
    table = (poor / "images.csv").read_text()
    (poor / "images.csv").write_text(table.replace("truth_sha256", "truth"))
    with pytest.raises(
        SagesegError, match="not written by this sageseg .truth_sha256 is missing.; make the report again"
    ):
        read_reports([good, poor])


def test_an_attribute_may_be_called_as_a_score_is(tmp_path: Path) -> None:
    """Its column stands behind the score's, and is not taken for it."""
    dataset = make_dataset(tmp_path / "d", SAMPLES)
    rows = [
        replace(row, attributes={"iou_car": f"{n % 2} doors", "judged_pixels": "none"})
        for n, row in enumerate(dataset.rows)
    ]
    write_manifest(manifest_path(dataset.root), rows)
    dataset = open_dataset(dataset.root)
    folders = [make_report(tmp_path / name, dataset, dict.fromkeys(STEMS, by)) for name, by in (("one", 1), ("two", 3))]
    one, _ = read_reports(folders)
    assert {image.attributes["iou_car"] for image in one.images.values()} == {"0 doors", "1 doors"}
    assert 0 < one.images["a_01"].mean("iou") < 1


@pytest.mark.parametrize("odd", ["a\nb", "a\u2028b", "=1+1", 'a,"b"', "\ufeffa"])
def test_groups_of_any_name_are_read_back(odd: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "d", {"a_01": SAMPLES["a_01"]}, groups={"a_01": odd})
    folders = [make_report(tmp_path / name, dataset, {"a_01": by}) for name, by in (("one", 1), ("two", 3))]
    assert read_reports(folders)[0].images["a_01"].group == odd

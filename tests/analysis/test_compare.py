"""Reports side by side: differences of the same images, intervals over groups, a page that is safe."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cli import app
from analysis.comparison.compare import compare, paired_interval
from analysis.comparison.page import scatter, side_by_side, write_comparison
from analysis.comparison.reading import read_reports
from analysis.comparison.text import format_comparison
from analysis.options import ScoringOptions
from analysis.report.charts import common_curves
from analysis.report.report import report
from analysis.report.scores_text import format_scores
from analysis.scoring.scores import FOREGROUND, METRICS, Metric, Tally, ratio
from formats.classes import ClassTable
from formats.console import run_app
from formats.dataset import Dataset
from formats.errors import SagesegError
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


def test_only_images_in_common_count(good: Path, dataset: Dataset, tmp_path: Path) -> None:
    part = make_report(tmp_path / "part", dataset, {"a_01": 3, "b_01": 3})
    comparison = write_comparison([good, part], tmp_path / "out")
    assert [each["left_out"] for each in comparison["reports"]] == [2, 0]
    assert comparison["images"] == 2
    expected = np.mean([ious(good)[stem] for stem in ("a_01", "b_01")])
    assert comparison["reports"][0]["per_image_mean"]["iou"] == pytest.approx(expected)
    words = Page((tmp_path / "out" / "index.html").read_text()).words
    assert "do not cover the same images" in words
    assert re.search(r"left out, not in all: good +2$", format_comparison(comparison), re.MULTILINE)
    assert "good has 2 more" in words


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


def test_the_page_is_whole_and_links_to_the_reports(good: Path, poor: Path, tmp_path: Path) -> None:
    out = tmp_path / "somewhere" / "out"
    write_comparison([good, poor], out)
    page = Page((out / "index.html").read_text())
    page.check_whole()
    assert [(out / unquote(link)).resolve() for link in page.links] == [good / "index.html", poor / "index.html"]
    for said in ("good against poor", "14 min 25 s", "deeplab", "momentum", "Where they disagree most"):
        assert said in page.words, said
    assert page.text.count("<circle") == 4
    assert page.text.count("<polyline") == 4
    assert len(page.addresses) == 4 * 2  # overlays of each image by each model


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
    assert len(page.scripts) == page.text.count("<script") == 1
    assert "<script>one against <script>two" in page.words
    assert "<b>one" not in page.text


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


def test_a_scatter_spans_its_scores(good: Path, poor: Path) -> None:
    drawn = scatter(*read_reports([good, poor]))
    assert all(0 <= x <= 100 and 0 <= y <= 100 for _, x, y, _, _ in drawn.points)
    assert drawn.low <= min(min(one, other) for *_, one, other in drawn.points)


def test_curves_of_jobs_share_their_axes() -> None:
    short = [{"train_loss": 1.0}, {"train_loss": 0.0}]
    long = [{"train_loss": 2.0}, {"train_loss": 2.0}, {"train_loss": 1.0}]
    ((label, lines),) = common_curves({"short": short, "long": long, "none": []})
    assert label == "Training loss"
    assert [line.points for line in lines] == ["0.00,50.00 50.00,100.00", "0.00,0.00 50.00,0.00 100.00,50.00"]


def test_tables_side_by_side_keep_every_key() -> None:
    assert side_by_side([{"a": "1", "b": "2"}, {"c": "3", "a": "4"}]) == {
        "a": ["1", "4"],
        "b": ["2", "–"],
        "c": ["–", "3"],
    }

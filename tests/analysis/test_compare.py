"""Reports side by side: differences of the same images, and intervals over groups."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cli import app
from analysis.comparison.compare import compare
from analysis.comparison.differences import paired_intervals
from analysis.comparison.page import write_comparison
from analysis.comparison.pooled import pooled_scores
from analysis.comparison.reading import read_reports
from analysis.comparison.text import format_comparison
from analysis.options import ScoringOptions
from analysis.report.report import report
from analysis.report.scores_text import format_scores
from analysis.scoring.scores import FOREGROUND, METRICS, Metric, Tally, ratio
from formats.console import run_app
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.predictions import ModelFacts
from tests.support.compared_reports import (
    SAMPLES,
    STEMS,
    ious,
    make_report,
    page_of,
    paired_interval,
)
from tests.support.dataset_samples import make_dataset, make_predictions
from tests.support.page_reader import Page
from tests.support.tables import table_of


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
    absent = {"mean": None, "interval": None, "better": 0, "worse": 0, "same": 0, "one_sided": 0}
    assert pair["classes"]["pole"] == {"iou": absent, "dice": absent}
    text = format_comparison(comparison)
    assert re.search(r"^road +\+0\.\d+ +\S+ to \S+ +3 +0 +1$", text, re.MULTILINE)
    words = page_of(tmp_path / "out").words
    assert "Many comparisons. These are 6 intervals." in words
    assert "each would leave out 0 by chance in 5 of 100 cases. One bold figure" in words


@pytest.mark.parametrize(("first", "second", "told"), [(2, 0, 2), (0, 1, 1), (2, 2, 0), (0, 0, 0)])
def test_images_with_a_score_by_one_model_alone_are_in_no_difference_and_counted(
    first: int, second: int, told: int, tmp_path: Path
) -> None:
    """Of four images two hold nothing; the models predict something in so many of these."""
    empty = [stem for stem in STEMS if stem.startswith(("b", "c"))]
    images = {stem: (image, mask * (stem not in empty)) for stem, (image, mask) in SAMPLES.items()}
    dataset = make_dataset(tmp_path / "dataset", images)
    folders = []
    for name, wrong in (("first", first), ("second", second)):
        masks = {stem: SAMPLES[stem][1] if stem in empty[:wrong] else images[stem][1] for stem in STEMS}
        predictions = make_predictions(tmp_path / f"p-{name}", dataset, masks, model=ModelFacts(job=name))
        folders.append(tmp_path / name)
        report(predictions, dataset, folders[-1], workers=1, scoring=ScoringOptions(draws=20))
    comparison = write_comparison(folders, tmp_path / "out")
    (pair,) = comparison["differences"]
    assert pair["iou"]["one_sided"] == told
    assert sum(pair["iou"][key] for key in ("better", "worse", "same", "one_sided")) == 2 + max(first, second)
    assert pair["dice"]["one_sided"] == 0
    assert pair["dice"]["mean"] == pytest.approx((second - first) / 4)
    assert ("IoU of one alone: first – second" in format_comparison(comparison)) is bool(told)
    assert ("with an IoU by first or second alone" in page_of(tmp_path / "out").words) is bool(told)


def test_a_score_that_no_image_has_is_a_dash_and_no_matter_of_groups(several: list[Path], tmp_path: Path) -> None:
    pole = next(
        line for line in format_comparison(write_comparison(several, tmp_path / "out")).splitlines() if "pole" in line
    )
    assert pole.split() == ["pole", "–", "–", "0", "0", "0"]


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

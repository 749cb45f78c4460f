"""By what the page finds images: which classes were confused in which, and their paths."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.page import layout
from analysis.report.page.find_data import MOST_OF_A_PAIR, confused_images, find_data
from analysis.report.report import report
from formats.arrays import Ints
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions


def rows(confused: list[tuple[int, int, int]]) -> Ints:
    return np.array(confused, np.int64).reshape(-1, 3)


def image(source: str = "a.jpg", **more: Any) -> Any:
    """As much of an `ImageReport` as is read."""
    known = {"stem": "a", "false_positive_kinds": (0, 0, 0), "missed_kinds": (0, 0, 0), "suspect": None, **more}
    return SimpleNamespace(source=source, confused=rows([]), **known)


cells = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(1, 4), max_size=6)


@given(st.lists(cells, min_size=1, max_size=7))
def test_each_pair_leads_to_its_images_those_with_most_pixels_first(each: list[dict[tuple[int, int], int]]) -> None:
    found = confused_images([rows([(*pair, pixels) for pair, pixels in one.items()]) for one in each])
    assert [tuple(line[:2]) for line in found] == sorted({pair for one in each for pair in one})
    for true, predicted, count, places in found:
        expected = [place for place, one in enumerate(each) if (true, predicted) in one]
        assert count == len(expected)
        assert places == sorted(expected, key=lambda place: (-each[place][true, predicted], place))


@pytest.mark.parametrize(
    ("pairs", "images", "most"), [(1, 101, MOST_OF_A_PAIR), (1, 100, MOST_OF_A_PAIR), (800, 60, 50), (20_000, 9, 5)]
)
def test_of_many_images_or_pairs_few_are_kept_and_all_counted(pairs: int, images: int, most: int) -> None:
    confused = [(number, number + 1, 1) for number in range(pairs)]
    found = confused_images([rows(confused)] * images)
    assert len(found) == pairs
    assert {(count, len(places)) for _, _, count, places in found} == {(images, min(images, most))}


def test_paths_are_written_where_stem_and_suffix_do_not_tell_them() -> None:
    images = [image(f"{stem}.png", stem=stem) for stem in "abc"]
    images += [image("2024/d.png", stem="2024_d"), image("e.jpg", stem="e")]
    find, found = find_data(images, {})
    assert [source or each.stem + find["suffix"] for source, each in zip(found["source"], images, strict=True)] == [
        each.source for each in images
    ]
    assert found["source"][:3] == ["", "", ""]


def test_kinds_of_errors_are_bits() -> None:
    doubted = SimpleNamespace(suspicion=0.75, pixels=3)
    images = [
        image(),
        image(false_positive_kinds=(0, 7, 0)),
        image(missed_kinds=(2, 0, 1), suspect=SimpleNamespace(suspicion=0.5, pixels=0)),
        image(suspect=doubted),
    ]
    find, found = find_data(images, {"areas": {"unit": "m", "unit_per_pixel": 0.5}})
    assert found["errors"] == [0, 0b10, 0b101000, 0b1000000]
    assert found["suspicion"] == [None, None, 0.5, 0.75]
    assert (find["unit"], find["unit_per_pixel"]) == ("m", 0.5)


@pytest.mark.parametrize(
    ("made", "folder"),
    [
        (None, "PREDICTIONS"),
        ({"predictions": "first", "command": []}, "first"),
        ({"predictions": "first", "command": ["analysis", "report", "runs/first/", "--out", "r"]}, "runs/first/"),
        ({"predictions": "my masks", "command": ["analysis", "report", "../my masks"]}, "'../my masks'"),
    ],
)
def test_commands_name_the_predictions_as_they_were_typed(made: dict[str, Any] | None, folder: str) -> None:
    assert find_data([image()], {"made": made})[0]["predictions"] == folder


def test_of_very_many_groups_the_worst_stand_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MOST_GROUPS", 2)
    samples = {f"{name}_1": disc_image(30, 20) for name in "abc"}
    dataset = make_dataset(tmp_path / "dataset", samples)
    masks = {stem: np.roll(mask, 2 * place, axis=1) for place, (stem, (_, mask)) in enumerate(samples.items())}
    report(make_predictions(tmp_path / "p", dataset, masks), dataset, tmp_path / "report", workers=1)
    text = (tmp_path / "report" / "index.html").read_text()
    assert "These are the worst 2 of 3 groups; all stand in scores.json." in text
    assert [each for each in "abc" if f'"group":"{each}"' in text.replace(" ", "")] == ["b", "c"]

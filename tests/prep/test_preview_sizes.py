"""Sizes of objects against the crop, and against what a network makes of it."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.classes import ClassTable
from formats.dataset import Dataset, open_dataset
from formats.images import Rgb
from formats.manifest import ManifestRow
from formats.masks import Mask
from formats.prepared.label_map import LabelMap, make_label_map
from formats.prepared.resize import Resize
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.objects import Objects
from prep.preview.sizes import (
    NetworkView,
    SizeCounts,
    SizeRow,
    median_of,
    size_bins,
    size_charts,
    size_rows,
    size_words,
)
from prep.preview.survey import Survey, survey
from tests.support.prep_samples import make_source

CLASSES = ClassTable(("_background_", "car", "pole", "bus"))
NETWORK = NetworkView(base_size=128, crop_size=96, stride=8, told="a job")


ROW = ManifestRow(
    id="a",
    split="train",
    group="a",
    source="a.jpg",
    x=0,
    y=0,
    width=64,
    height=64,
    source_width=64,
    source_height=64,
    kept=True,
    foreground=1,
)


def flat(_: int) -> Rgb:
    return np.full((110, 150, 3), 90, np.uint8)


def scene(_: int) -> Mask:
    """A car that no crop of 64 holds, across four of them; two poles of 4 × 3 pixels."""
    mask = np.zeros((110, 150), np.uint8)
    mask[10:100, 20:130] = 1
    mask[2:6, 2:5] = 2
    mask[103:107, 140:143] = 2
    return mask


def prepared(tmp_path: Path, **options: object) -> Dataset:
    source = make_source(tmp_path / "labels", {"a": 1, "b": 1}, image=flat, mask=scene, classes=CLASSES)
    given = {"crop": 64, "workers": 1} | options
    write_dataset(source, tmp_path / "dataset", PrepOptions(**given))  # type: ignore[arg-type]
    return open_dataset(tmp_path / "dataset")


def rows(found: Survey, cropped: bool = True) -> dict[str, SizeRow]:
    return {row.name: row for row in size_rows(found.sizes, CLASSES, cropped)}


def test_an_object_that_crops_divide_is_one(tmp_path: Path) -> None:
    found = rows(survey(prepared(tmp_path), 1, network=NETWORK))
    assert found["car"] == SizeRow(1, "car", 2, 110, 9900, 1.0, 0.0)
    assert found["pole"] == SizeRow(2, "pole", 4, 4, 12, 0.0, 1.0)
    assert found["bus"] == SizeRow(3, "bus", 0, None, None, None, None)


def test_overlapping_crops_count_nothing_twice(tmp_path: Path) -> None:
    assert rows(survey(prepared(tmp_path, overlap=20), 1))["car"].objects == 2


def test_objects_of_dropped_crops_and_resized_images_are_those_of_truth(tmp_path: Path) -> None:
    found = survey(prepared(tmp_path, resize=Resize(75)), 1)
    assert rows(found)["car"].side == 55
    assert found.sizes.images == 2


def test_without_crops_nothing_is_larger_than_one(tmp_path: Path) -> None:
    found = survey(prepared(tmp_path, crop=None), 1, network=NETWORK)
    assert rows(found, cropped=False)["car"].larger is None
    charts = size_charts(found.sizes, CLASSES, cropped=False)
    assert charts
    assert [text for text, _ in charts["marks"] if "dataset's crop" in text] == []


def test_a_label_map_decides_what_objects_are(tmp_path: Path) -> None:
    swapped = make_label_map({"map": {"0": 0, "1": 2, "2": 1}}, len(CLASSES), "told")
    maps: dict[str, LabelMap | None] = {"train": swapped, "val": None}
    found = rows(survey(prepared(tmp_path, resize=Resize(148)), 1, maps))
    assert (found["car"].objects, found["pole"].objects) == (1 + 2, 1 + 2)


def test_sentences_say_what_is_cut_and_what_vanishes(tmp_path: Path) -> None:
    found = survey(prepared(tmp_path), 1, network=NETWORK)
    assert size_words(size_rows(found.sizes, CLASSES, True), found.sizes) == [
        "All 2 objects of car are larger than the crop (64 × 64): no crop shows them whole.",
        "Half of the 4 objects of pole are under 49 px at the size the network sees (output stride 8): less than one "
        "cell of its output.",
    ]


@pytest.mark.parametrize(
    ("objects", "larger", "under", "start"),
    [
        (1, 1.0, 0.0, "The only object of car is larger than the crop (64 × 64): no crop shows it whole."),
        (16, 1.0, 0.0, "All 16 objects of car are larger than the crop"),
        (6, 1 / 6, 0.0, "1 of the 6 objects of car is larger"),
        (19, 2 / 19, 0.0, "2 of the 19 objects of car are larger"),
        (1000, 0.126, 0.0, "13 % of the 1,000 objects of car are larger"),
        (6, 0.0, 0.5, "3 of the 6 objects of car are under 64 px at the size"),
    ],
)
def test_few_objects_are_counted(tmp_path: Path, objects: int, larger: float, under: float, start: str) -> None:
    counts = survey(prepared(tmp_path), 1, network=NETWORK).sizes
    (said,) = size_words([SizeRow(1, "car", objects, 100, 10_000, larger, under)], counts)
    assert said.startswith(start)


@pytest.mark.parametrize(
    ("larger", "under", "said"),
    [
        (0.41, 0.0, ["41 % of the 100 objects"]),
        (0.9999, 0.0, ["99 % of the 100 objects"]),
        (0.0, 0.3, ["30 % of the 100 objects"]),
        (0.04, 0.04, ["No class has many objects"]),
    ],
)
def test_few_objects_are_no_sentence(tmp_path: Path, larger: float, under: float, said: list[str]) -> None:
    counts = survey(prepared(tmp_path), 1, network=NETWORK).sizes
    row = SizeRow(1, "car", 100, 100, 10_000, larger, under)
    assert [sentence[: len(said[0])] for sentence in size_words([row], counts)] == said


def test_marks_lie_where_the_axis_has_their_pixels(tmp_path: Path) -> None:
    charts = size_charts(survey(prepared(tmp_path), 1, network=NETWORK).sizes, CLASSES, cropped=True)
    assert charts
    places = {int(match[1]): place for text, place in charts["marks"] if (match := re.search(r"(\d+) px$", text))}
    assert places == {64: 85.71, 48: 79.79, 4: 28.57}  # of seven octaves: crop_size 96 shows 48 of the dataset's pixels
    assert charts["ticks"] == [("1", 0.0), ("10", 47.46), ("100", 94.91)]


def test_bars_hold_every_object(tmp_path: Path) -> None:
    charts = size_charts(survey(prepared(tmp_path), 1).sizes, CLASSES, cropped=True)
    assert charts
    assert [(chart.name, [bar[3] for bar in chart.bars]) for chart in charts["charts"]] == [
        ("car", ["91 to 127 px: 2"]),
        ("pole", ["4 to 5 px: 4"]),
    ]


def test_bins_tell_every_bar_in_numbers(tmp_path: Path) -> None:
    found = survey(prepared(tmp_path), 1, network=NETWORK)
    assert size_bins(found.sizes, CLASSES) == [("4 to 5 px", [0, 4, 0]), ("91 to 127 px", [2, 0, 0])]


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 3)), min_size=1))
def test_each_object_is_in_the_bin_that_names_its_size(objects: list[tuple[int, int]]) -> None:
    counts = SizeCounts()
    for side, class_id in objects:
        array = np.array([side])
        edge = np.zeros(1, np.bool_)
        counts.add(Objects(np.array([class_id]), array, array, np.ones(1, np.int64), edge), ROW)
    bins = size_bins(counts, CLASSES)
    for text, of_class in bins:
        low, _, high = text.removesuffix(" px").replace(",", "").partition(" to ")
        sides = range(int(low), int(high or low) + 1)
        assert of_class == [sum(side in sides and each == own for side, each in objects) for own in (1, 2, 3)]
    assert sum(sum(of_class) for _, of_class in bins) == len(objects)


@given(st.dictionaries(st.integers(1, 50), st.integers(1, 9), min_size=1))
def test_the_median_is_that_of_the_values(counts: dict[int, int]) -> None:
    values = sorted(value for value, count in counts.items() for _ in range(count))
    assert median_of(counts) == values[(len(values) - 1) // 2]

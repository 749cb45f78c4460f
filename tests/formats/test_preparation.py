"""How images were prepared travels as words and comes back; label maps too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.prepared.label_map import make_label_map, read_label_maps, recorded_label_maps
from formats.prepared.preparation import ARTEFACT, ENVIRONMENT, Preparation, dataset_preparation, read_preparation
from formats.prepared.resize import Resize

sides = st.integers(1, 5000)
resizes = st.none() | st.builds(Resize, sides) | st.builds(Resize, sides, sides)


@given(
    prepared=st.builds(Preparation, resizes, st.none() | sides), names=st.sampled_from([None, ENVIRONMENT, ARTEFACT])
)
def test_it_reads_back_what_it_tells(prepared: Preparation, names: dict[str, str] | None) -> None:
    assert read_preparation({"other": "1", **prepared.to_strings(names)}, "x", names) == prepared


@pytest.mark.parametrize("told", [{}, {"crop": "512"}, {"resize": "none"}])
def test_half_of_it_is_nothing(told: dict[str, str]) -> None:
    assert read_preparation(told, "x") is None


def test_a_word_that_is_none_names_its_place() -> None:
    with pytest.raises(SagesegError, match=r"job\.json: --resize wide: expected WIDTHxHEIGHT"):
        read_preparation({"resize": "wide", "crop": "none"}, "job.json")


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"options": {"resize": "256x192", "crop": None}}, Preparation(Resize(256, 192), None)),
        ({"options": {"resize": None, "crop": 512, "overlap": 0}}, Preparation(None, 512)),
        ({}, None),
    ],
)
def test_a_dataset_tells_it(info: dict[str, Any], expected: Preparation | None) -> None:
    assert dataset_preparation(info) == expected


@pytest.mark.parametrize(
    ("prepared", "words"),
    [
        (Preparation(Resize(960, 640), None), "resized to 960×640, whole"),
        (Preparation(Resize(1024), 512), "resized to a long side of 1024, in crops of 512"),
        (Preparation(None, None), "at their own size, whole"),
    ],
)
def test_a_person_reads_it(prepared: Preparation, words: str) -> None:
    assert prepared.words() == words


def write_maps(folder: Path, **maps: Any) -> Path:
    folder.mkdir()
    for channel, given_map in maps.items():
        (folder / f"{channel}_label_map.json").write_text(json.dumps(given_map))
    return folder


SWAPPED, THREES = {"map": {"0": 1, "1": 0}}, {"scale": "3"}


def test_each_split_has_the_map_of_its_channel(tmp_path: Path) -> None:
    maps = read_label_maps(write_maps(tmp_path / "maps", train=SWAPPED, validation=THREES), 2)
    again = recorded_label_maps({"label_map": dict(maps.given)}, tmp_path / "predictions.json")
    assert again is not None
    for found in (maps, again):
        values = {split: found.of_split(split, 2) for split in ("train", "val", "test")}
        mapped = {split: m.classes[[0, 1, 3]].tolist() if m else None for split, m in values.items()}
        assert mapped == {"train": [1, 0, 254], "val": [0, 254, 1], "test": [0, 254, 1]}


def test_a_split_without_a_map_is_read_as_it_is(tmp_path: Path) -> None:
    maps = read_label_maps(write_maps(tmp_path / "maps", train=SWAPPED), 2)
    assert maps.of_split("val", 2) is None
    assert recorded_label_maps({}, tmp_path) is None


@pytest.mark.parametrize("told", [["train"], {"test": SWAPPED}, "maps"])
def test_what_is_no_label_map_in_a_record_is_named(told: Any, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"predictions\.json: label_map is .*; expected label maps by train"):
        recorded_label_maps({"label_map": told}, tmp_path / "predictions.json")


@given(values=st.lists(st.integers(0, 255), min_size=2, max_size=6, unique=True))
def test_every_class_of_a_map_is_found_by_its_value(values: list[int]) -> None:
    label_map = make_label_map({"map": {str(number): value for number, value in enumerate(values)}}, len(values), "x")
    assert label_map.apply(np.array([values], np.uint8), Path("m.png")).tolist() == [list(range(len(values)))]
    assert label_map.makes_a_class_of_ignore == (255 in values)

"""The split keeps groups whole, asks and gets its shares, and does not move when groups are added."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.dataset.split import Foreground, assign_groups, kept_assignment, read_split_file
from prep.options import parse_part, parse_share

group_names = st.sets(st.text(min_size=1, max_size=6), min_size=3, max_size=40)


@given(group_names, st.integers(0, 5), st.floats(0, 0.4), st.floats(0, 0.3))
def test_shares_are_rounded_and_at_least_one_group_if_asked_for(
    groups: set[str], seed: int, val: float, test: float
) -> None:
    counts = Counter(assign_groups(groups, seed=seed, val=val, test=test).values())
    assert counts["val"] == (max(1, round(val * len(groups))) if val else 0)
    assert counts["test"] == (max(1, round(test * len(groups))) if test else 0)
    assert sum(counts.values()) == len(groups)


@given(group_names, st.integers(0, 5))
def test_order_and_repeats_of_the_groups_do_not_matter(groups: set[str], seed: int) -> None:
    ordered = sorted(groups)
    one = assign_groups(ordered, seed=seed, val=0.3, test=0)
    assert assign_groups([*reversed(ordered), *ordered], seed=seed, val=0.3, test=0) == one


def test_a_whole_number_asks_for_that_many_groups() -> None:
    counts = Counter(assign_groups("abcdef", seed=0, val=2, test=1).values())
    assert counts == {"train": 3, "val": 2, "test": 1}


def test_another_seed_draws_other_groups() -> None:
    names = [str(number) for number in range(30)]
    drawn = [assign_groups(names, seed=seed, val=0.2, test=0) for seed in (0, 1)]
    assert drawn[0] != drawn[1]


@given(group_names)
def test_fixed_groups_stay_and_new_ones_fill_what_is_missing(groups: set[str]) -> None:
    names = sorted(groups)
    fixed = {names[0]: "val", "not there": "test"}
    assigned = assign_groups(names, seed=0, val=1, test=0, fixed=fixed)
    assert assigned == {name: "val" if name == names[0] else "train" for name in names}


@pytest.mark.parametrize(("groups", "val"), [("ab", 2), ("abc", 7)])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(groups: str, val: float) -> None:
    with pytest.raises(SagesegError, match=r"cannot give val .* and leave one to train on"):
        assign_groups(groups, seed=0, val=val, test=0)


@pytest.mark.parametrize(("val", "test"), [(0.2, 0), (0, 0.2)])
def test_one_group_is_not_divided_and_the_ways_out_are_told(val: float, test: float) -> None:
    with pytest.raises(SagesegError, match=r"add images of other groups.*--val 0; where.* several things.*--group-by"):
        assign_groups(["a", "a"], seed=0, val=val, test=test)


def test_one_group_without_validation_trains() -> None:
    assert assign_groups("a", seed=0, val=0, test=0) == {"a": "train"}


@pytest.mark.parametrize("content", ["nonsense", "[]", "{}", '{"groups": [1]}'])
def test_split_files_of_another_shape_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(SagesegError, match=r"split\.json: not a split file"):
        read_split_file(path)


def test_a_split_file_with_an_unknown_split_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text('{"groups": {"a": "validation"}}')
    with pytest.raises(SagesegError, match="group a is in 'validation'; expected train, val, test"):
        read_split_file(path)


@pytest.mark.parametrize("text", ["-0.1", "1.5", "nan", "many"])
def test_parts_are_shares_or_whole_numbers(text: str) -> None:
    with pytest.raises(SagesegError, match="expected a share from 0 to below 1, or a whole number"):
        parse_part(text)


@pytest.mark.parametrize("text", ["-0.1", "1.5", "nan", "many"])
def test_shares_end_at_one(text: str) -> None:
    with pytest.raises(SagesegError, match="expected a share from 0 to 1"):
        parse_share(text)


shares = st.dictionaries(st.text(min_size=1, max_size=6), st.integers(0, 100), min_size=3, max_size=40)


def foreground_of(percent: dict[str, int]) -> dict[str, Foreground]:
    return {name: Foreground(share, 100) for name, share in percent.items()}


@given(shares, st.integers(0, 5), st.floats(0.01, 0.4))
def test_stratified_groups_come_one_from_each_part_of_the_row(percent: dict[str, int], seed: int, val: float) -> None:
    assigned = assign_groups(percent, seed=seed, val=val, test=0, foreground=foreground_of(percent))
    chosen = sorted(percent[name] for name, split in assigned.items() if split == "val")
    ordered = sorted(percent.values())
    parts = len(chosen)
    assert parts == max(1, round(val * len(percent)))
    for i, share in enumerate(chosen):
        part = ordered[i * len(ordered) // parts : (i + 1) * len(ordered) // parts]
        assert part[0] <= share <= part[-1]


def test_stratified_splits_have_liker_shares_than_drawn_ones() -> None:
    percent = {f"car{number}": number**2 % 97 for number in range(40)}
    foreground = foreground_of(percent)
    target = sum(percent.values()) / len(percent)

    def distance(assigned: dict[str, str]) -> float:
        chosen = [percent[name] for name, split in assigned.items() if split == "val"]
        return abs(sum(chosen) / len(chosen) - target)

    for seed in range(10):
        drawn = distance(assign_groups(percent, seed=seed, val=0.2, test=0))
        dealt = distance(assign_groups(percent, seed=seed, val=0.2, test=0, foreground=foreground))
        assert dealt <= min(drawn, 0.5)


def test_stratified_splits_weigh_groups_by_their_pixels() -> None:
    foreground = {"large": Foreground(500, 1000), "half": Foreground(5, 10), "none": Foreground(0, 10)}
    assigned = assign_groups(foreground, seed=0, val=1, test=0, foreground=foreground)
    assert assigned["none"] == "train"  # all groups together: 505 of 1020


def test_another_seed_deals_other_groups_too() -> None:
    foreground = foreground_of({str(number): number for number in range(30)})
    dealt = [assign_groups(foreground, seed=seed, val=0.2, test=0.1, foreground=foreground) for seed in (0, 1)]
    assert dealt[0] != dealt[1]


def test_stratified_splits_keep_fixed_groups_and_masks_that_are_all_ignored() -> None:
    foreground = foreground_of(dict.fromkeys("abcde", 10)) | {"f": Foreground(0, 0)}
    assigned = assign_groups("abcdef", seed=0, val=2, test=1, fixed={"a": "val"}, foreground=foreground)
    assert assigned["a"] == "val"
    assert Counter(assigned.values()) == {"train": 3, "val": 2, "test": 1}


def split_file(folder: Path, **groups: str) -> Path:
    path = folder / "split.json"
    path.write_text(json.dumps({"groups": groups}))
    return path


def test_a_split_file_of_other_groups_is_refused(tmp_path: Path) -> None:
    path = split_file(tmp_path, a0="train", b1="val")
    with pytest.raises(SagesegError, match=r"names none of these groups: they are such as a0_0, its own such as a0"):
        kept_assignment(path, {"a0_0", "b1_0"})


def test_how_many_groups_a_split_file_knows_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = split_file(tmp_path, a="train", b="val", gone="test")
    assert kept_assignment(path, {"a", "b"}) == {"a": "train", "b": "val"}
    assert capsys.readouterr().err == ""
    assert kept_assignment(path, {"a", "b", "c"}) == {"a": "train", "b": "val"}
    assert "2 of 3 groups keep their split; the others are drawn" in capsys.readouterr().err


def test_a_group_is_one_whichever_way_its_letters_are_composed(tmp_path: Path) -> None:
    path = split_file(tmp_path, **{unicodedata.normalize("NFD", "Größe"): "val"})
    assert kept_assignment(path, {"Größe", "a"}) == {"Größe": "val"}

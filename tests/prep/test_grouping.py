"""A --group-by is proposed only where it would keep every pair of near-twins together."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep.dataset.grouping import suggest_group_by

CLIPS = [f"{clip}_{number:06}" for clip in ("dam", "mill") for number in range(0, 30, 5)]


@pytest.mark.parametrize(
    ("stems", "twins", "groups"),
    [
        (CLIPS, [(0, 1), (7, 8)], {"dam", "mill"}),
        (["a1", "a2", "b1", "b2"], [(0, 1)], {"a", "b"}),
        (["cam1-001-l", "cam1-002-l", "cam2-001-l", "cam2-002-l"], [(0, 1), (2, 3)], {"cam1", "cam2"}),
        (["000_dam", "001_dam", "000_mill", "001_mill"], [(0, 1)], {"dam", "mill"}),
        (["1", "1_flip", "2", "2_flip", "3"], [(0, 1), (2, 3)], {"1", "2", "3"}),
        (["s_1", "s_1_aug0", "s_1_aug1", "s_2", "s_2_aug0"], [(0, 2), (3, 4)], {"s_1", "s_2"}),
        (["x", "x (1)", "y", "y copy"], [(0, 1), (2, 3)], {"x", "y"}),
        ([f"f{number:05}" for number in range(0, 1000, 20)], [(1, 2), (11, 13)], {f"f00{n}" for n in range(10)}),
    ],
)
def test_names_that_tell_scenes_apart_give_a_pattern(
    stems: list[str], twins: list[tuple[int, int]], groups: set[str]
) -> None:
    pattern = suggest_group_by(stems, stems, twins)
    assert pattern is not None
    found = [re.search(pattern, stem) for stem in stems]
    assert {match[1] for match in found if match} == groups


@pytest.mark.parametrize(
    ("stems", "twins"),
    [
        ([f"frame_{number:06}" for number in range(0, 100, 5)], [(1, 2), (3, 4)]),
        (["dam_1", "mill_1"], [(0, 1)]),
        (["a", "b", "c"], [(0, 2)]),
    ],
)
def test_names_that_tell_nothing_give_none(stems: list[str], twins: list[tuple[int, int]]) -> None:
    assert suggest_group_by(stems, stems, twins) is None


def test_groups_that_there_are_stay_whole() -> None:
    assert suggest_group_by(CLIPS, ["day" if number % 6 < 3 else "night" for number in range(12)], [(0, 1)]) is None
    assert suggest_group_by(CLIPS, ["dam"] * 6 + ["mill"] * 6, [(0, 1)]) == r"^(.+?)[_-]?\d+$"


names = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("a", "b", "c", "ab", "ca")),
    st.sampled_from(("", "_", "-")),
    st.integers(0, 999),
    st.sampled_from(("", "_l", "-l")),
)


@given(st.lists(names, min_size=2, max_size=12, unique=True), st.data())
def test_what_is_proposed_keeps_the_twins_and_leaves_a_choice(stems: list[str], data: st.DataObject) -> None:
    place = st.integers(0, len(stems) - 1)
    twins = data.draw(st.lists(st.tuples(place, place), min_size=1, max_size=4))
    pattern = suggest_group_by(stems, stems, twins)
    if pattern is not None:
        found = [match[1] for stem in stems if (match := re.search(pattern, stem))]
        assert len(found) == len(stems)
        assert len(set(found)) > 1
        assert all(found[a] == found[b] for a, b in twins)

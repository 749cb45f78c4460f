"""Which images are chosen: drawn by how uncertain they are, spread over groups, of near-twins one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.selection.choice import POWER, Candidate, choose, drawn_key
from analysis.selection.uncertainty import Uncertainty


def candidate(number: int, score: float, group: str) -> Candidate:
    return Candidate(f"i{number}", f"i{number}.jpg", group, Uncertainty(score, 1), score)


Pools = st.lists(st.tuples(st.integers(0, 8).map(lambda n: n / 8), st.sampled_from("abcde")), max_size=30).map(
    lambda told: [candidate(number, *one) for number, one in enumerate(told)]
)
Counts = st.integers(1, 35)


def stems(found: Sequence[Candidate]) -> list[str]:
    return [each.stem for each in found]


@given(Pools, Counts, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(pool: list[Candidate], count: int, rng: object) -> None:
    shuffled = list(pool)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, count) == choose(pool, count)


@given(Pools, Counts)
def test_as_many_as_asked_for_and_none_twice(pool: list[Candidate], count: int) -> None:
    chosen = stems([each.candidate for each in choose(pool, count).chosen])
    assert len(chosen) == len(set(chosen)) == min(count, len(pool))


@given(Pools, Counts)
def test_no_group_is_served_again_before_all_others(pool: list[Candidate], count: int) -> None:
    chosen = choose(pool, count).chosen
    there, taken = Counter(each.group for each in pool), Counter(each.candidate.group for each in chosen)
    most = max(taken.values(), default=0)
    # as many groups as there are images to choose: then the highest turn is not served to all
    assert all(taken[group] >= min(there[group], most - 1) for group in there)
    for group in taken:
        turns = [each.turn for each in chosen if each.candidate.group == group]
        assert turns == list(range(1, len(turns) + 1))


@given(Pools, Counts)
def test_the_highest_keys_come_first_in_each_turn_and_of_each_group(pool: list[Candidate], count: int) -> None:
    chosen = choose(pool, count).chosen
    order = [(each.turn, each.candidate.order) for each in chosen]
    assert order == sorted(order)
    for group in {each.group for each in pool}:
        own = sorted((each for each in pool if each.group == group), key=lambda each: each.order)
        taken = [each.candidate for each in chosen if each.candidate.group == group]
        assert taken == own[: len(taken)]


@given(Pools, Counts, st.integers(0, 99), st.integers(1, 4))
def test_of_twins_one_is_chosen(pool: list[Candidate], count: int, seed: int, scenes: int) -> None:
    shows = dict(zip(stems(pool), np.random.default_rng(seed).integers(0, scenes, len(pool)).tolist(), strict=True))

    def find(one: Candidate, chosen: Sequence[Candidate]) -> str | None:
        return next((other.source for other in chosen if shows[other.stem] == shows[one.stem]), None)

    choice = choose(pool, count, find)
    chosen = [each.candidate for each in choice.chosen]
    assert len({shows[each.stem] for each in chosen}) == len(chosen) == min(count, len(set(shows.values())))
    for twin in choice.twins:
        (of,) = (each for each in chosen if each.source == twin.of)
        assert shows[of.stem] == shows[twin.candidate.stem]
    assert not {each.candidate.stem for each in choice.twins} & set(stems(chosen))


def test_a_twin_gives_its_place_to_the_next_of_its_group() -> None:
    pool = [candidate(0, 0.9, "a"), candidate(1, 0.8, "b"), candidate(2, 0.3, "b"), candidate(3, 0.1, "c")]
    choice = choose(pool, 4, lambda one, _chosen: "i0.jpg" if one.stem == "i1" else None)
    assert stems([each.candidate for each in choice.chosen]) == ["i0", "i2", "i3"]
    assert [(each.candidate.stem, each.of) for each in choice.twins] == [("i1", "i0.jpg")]


def test_images_are_drawn_by_the_powers_of_their_scores() -> None:
    first = Counter(max((drawn_key(score, f"{score}", seed), score) for score in (0.1, 0.2))[1] for seed in range(4000))
    assert first[0.2] / first[0.1] == pytest.approx(2**POWER, rel=0.1)


@pytest.mark.parametrize("score", [0.0, 1e-9, 0.5, 1.0])
def test_a_key_is_a_number_and_the_same_again(score: float) -> None:
    keys = [drawn_key(score, stem, seed) for stem in ("a", "b") for seed in (0, 1)]
    assert len(set(keys)) == 4
    assert all(math.isfinite(key) for key in keys)
    assert keys == [drawn_key(score, stem, seed) for stem in ("a", "b") for seed in (0, 1)]

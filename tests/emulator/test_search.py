"""How values are chosen: scaling, reproducibility, and that the search finds what is better."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.emulator.tuning.search import BayesianSearch, Categories, NumberRange, RandomSearch, Range, Search

UNITS = st.floats(0, 1)
CATEGORY = Categories("optimizer", ("adam", "sgd"))


@given(UNITS, st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]))
def test_values_stay_in_their_range_and_are_numbers(unit: float, scaling: str) -> None:
    assert 0.25 <= float(NumberRange("a", 0.25, 0.75, whole=False, scaling=scaling).at(unit)) <= 0.75


@given(UNITS, st.sampled_from(["Auto", "Linear", "Logarithmic"]), st.integers(1, 9), st.integers(0, 500))
def test_whole_values_stay_in_their_range(unit: float, scaling: str, low: int, width: int) -> None:
    text = NumberRange("a", low, low + width, whole=True, scaling=scaling).at(unit)
    assert low <= int(text) <= low + width


@pytest.mark.parametrize(
    ("scaling", "middle"),
    [("Linear", 0.50005), ("Logarithmic", 0.01), ("Auto", 0.01)],
)
def test_the_middle_of_a_wide_range(scaling: str, middle: float) -> None:
    assert float(NumberRange("a", 0.0001, 1, whole=False, scaling=scaling).at(0.5)) == pytest.approx(middle)


def test_auto_is_linear_over_a_narrow_range() -> None:
    assert float(NumberRange("a", 0.9, 0.999, whole=False).at(0.5)) == pytest.approx(0.9495)


def test_reverse_logarithmic_is_fine_near_one() -> None:
    # 1 - x is spread by its logarithm: the middle of [0.9, 0.999] is 1 - 0.01
    assert float(NumberRange("a", 0.9, 0.999, whole=False, scaling="ReverseLogarithmic").at(0.5)) == pytest.approx(0.99)


def test_whole_values_are_equally_likely() -> None:
    numbers = NumberRange("a", 1, 4, whole=True, scaling="Linear")
    assert [numbers.at(unit) for unit in (0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1)] == list("11223344")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (NumberRange("a", 2, 1, whole=True), "MinValue 2 is above MaxValue 1"),
        (NumberRange("a", 0, 1, whole=False, scaling="Logarithmic"), "needs a MinValue above 0"),
        (NumberRange("a", 0, 1, whole=False, scaling="ReverseLogarithmic"), r"within \[0, 1\)"),
        (NumberRange("a", 0, 1, whole=False, scaling="Linear"), None),
    ],
)
def test_ranges_that_cannot_be_searched(found: NumberRange, problem: str | None) -> None:
    assert re.search(problem or "None", str(found.problem()))


def test_a_seed_decides_what_chance_draws() -> None:
    ranges: list[Range] = [NumberRange("a", 0, 1, whole=False), CATEGORY]
    draws = [[RandomSearch(ranges, seed).ask().values for _ in range(2)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_chance_does_not_repeat_itself_while_it_can() -> None:
    search = RandomSearch([NumberRange("a", 1, 3, whole=True), CATEGORY], 0)
    assert len({tuple(search.ask().values.values()) for _ in range(6)}) == 6
    assert search.ask().values  # the seventh has to


def best_of(search: Search, trials: int) -> float:
    """The best value of a curve with one peak, at learning rate 0.01 with adam."""
    best = -math.inf
    for _ in range(trials):
        trial = search.ask()
        distance = abs(math.log10(float(trial.values["learning_rate"])) + 2)
        value = -distance - (trial.values["optimizer"] != "adam")
        search.tell(trial, value)
        best = max(best, value)
    return best


def test_the_bayesian_search_is_nearer_to_the_best_than_chance() -> None:
    ranges: list[Range] = [NumberRange("learning_rate", 1e-6, 1, whole=False), CATEGORY]
    bayesian = sorted(best_of(BayesianSearch(ranges, seed, maximize=True), 30) for seed in range(5))
    chance = sorted(best_of(RandomSearch(ranges, seed), 30) for seed in range(5))
    assert bayesian[2] > chance[2]


def test_the_bayesian_search_lives_with_failed_and_parallel_trials() -> None:
    search = BayesianSearch([NumberRange("a", 1, 9, whole=True)], 0, maximize=False)
    trials = [search.ask() for _ in range(4)]
    for trial in trials:
        search.tell(trial, None)
    assert int(search.ask().values["a"]) in range(1, 10)

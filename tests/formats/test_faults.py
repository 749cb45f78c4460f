"""All that is wrong is told at once: the first fault in full, ten by name, and the count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy  # by which pickle takes errors too

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SHOWN, AlikeError, CannotWriteError, Faults, FaultsError, SagesegError, for_all, raise_all
from formats.parallel import map_all


def odd(number: int) -> int:
    if number % 2:
        raise SagesegError(f"{number}.png: odd; expected an even one")
    return number * 10


def told(numbers: Iterable[int], *, workers: int = 1) -> str:
    with pytest.raises(SagesegError) as caught:
        list(map_all(odd, list(numbers), workers=workers, label="numbers"))
    return str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_without_a_fault_all_results_come_in_order(workers: int) -> None:
    assert list(map_all(odd, [4, 0, 2, 8, 6], workers=workers, label="numbers")) == [40, 0, 20, 80, 60]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_looked_at_and_every_fault_told(workers: int) -> None:
    assert told([2, 1, 4, 3, 6, 5], workers=workers) == (
        "1.png: odd; expected an even one (1 of 3 faults: 3.png: odd; 5.png: odd)"
    )


def test_one_fault_is_told_as_it_is() -> None:
    assert told([2, 3, 4]) == "3.png: odd; expected an even one"


@given(st.integers(2, 60))
def test_ten_are_named_and_all_are_counted(count: int) -> None:
    text = told(range(1, 2 * count, 2))
    assert re.findall(r"(\d+)\.png: odd", text) == [str(2 * n + 1) for n in range(min(count, SHOWN))]
    assert f"(1 of {count} faults: " in text
    assert text.endswith("; …)") == (count > SHOWN)


def test_results_after_a_fault_are_held_back_where_each_must_go_with_its_item() -> None:
    for whole, expected in ((True, [20]), (False, [20, 40])):
        found = map_all(odd, [2, 3, 4], workers=1, label="numbers", whole=whole)
        assert [next(found) for _ in expected] == expected
        with pytest.raises(SagesegError):
            next(found)


def unknown(place: str, label: str) -> AlikeError:
    return AlikeError(place, f"label {label!r}", f"label {label!r} is not in labels.txt; correct it")


def test_what_many_have_in_common_is_told_once_with_its_count_and_first_place() -> None:
    errors = [
        unknown("a", "ca"),
        unknown("b", "tre"),
        unknown("b", "ca"),
        SagesegError("c: broken; mend"),
        unknown("d", "tre"),
        unknown("e", "raod"),
    ]
    with pytest.raises(SagesegError) as caught:
        raise_all(errors)
    assert str(caught.value) == (
        "a: label 'ca' is not in labels.txt; correct it (1 of 6 faults: label 'ca' 2 times, first in a; "
        "label 'tre' 2 times, first in b; c: broken; e: label 'raod' is not in labels.txt)"
    )


def test_faults_of_faults_are_one_list_and_travel_between_processes() -> None:
    def file(name: str) -> None:
        for_all(lambda number: (_ for _ in ()).throw(unknown(f"{name}[{number}]", "ca")), range(3))

    with pytest.raises(FaultsError) as caught:
        for_all(file, ["x", "y"])
    again = copy(caught.value)
    assert again.count == 6
    assert (
        str(again)
        == str(caught.value)
        == ("x[0]: label 'ca' is not in labels.txt; correct it (1 of 6 faults: label 'ca' 6 times, first in x[0])")
    )


def test_a_single_alike_fault_travels_too() -> None:
    assert str(copy(unknown("a", "ca"))) == "a: label 'ca' is not in labels.txt; correct it"


def test_memory_does_not_grow_with_the_count() -> None:
    faults = Faults()
    for number in range(5_000):
        with faults:
            odd(2 * number + 1)
    with pytest.raises(FaultsError) as caught:
        faults.check()
    assert (caught.value.count, len(caught.value.kinds)) == (5_000, SHOWN)


def full(number: int) -> int:
    raise CannotWriteError(f"{number}: cannot be written; free space")


def test_a_full_disk_ends_the_work() -> None:
    seen: list[int] = []

    def write(number: int) -> None:
        seen.append(number)
        full(number)

    with pytest.raises(CannotWriteError, match="1: cannot be written"):
        for_all(write, [1, 2])
    with pytest.raises(CannotWriteError, match="1: cannot be written"):
        list(map_all(write, [1, 2], workers=1, label="numbers"))
    assert seen == [1, 1]


def test_what_is_no_expected_failure_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        for_all(lambda number: 1 // number, [0])

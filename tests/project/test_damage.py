"""Damaged input, the short form of that part of the trial: what once failed, and a little of what is new."""

from __future__ import annotations

import pytest

from trust.damage import trial
from trust.damage.all_targets import TARGETS
from trust.damage.engine import Target, fault_of, search


@pytest.mark.filterwarnings("ignore")  # libraries warn of what they then refuse
def test_every_parser_reads_or_refuses_in_one_line_whatever_it_is_given() -> None:
    outcomes = list(trial(short=True))
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert sum(outcome.tried for outcome in outcomes) > 30 * len(TARGETS)


def fails(_: bytes) -> None:
    raise KeyError("a bug of ours")


@pytest.mark.parametrize(
    ("parse", "told"),
    [
        (fails, "KeyError"),
        (lambda content: content.decode("ascii")[10**6], "IndexError"),
        (int, "ValueError"),
    ],
)
def test_what_a_parser_of_ours_raises_besides_is_a_fault(parse: object, told: str) -> None:
    target = Target("a", "json", parse, seeds=(b'{"a": [1, "b"]}',))  # type: ignore[arg-type]
    assert told in (fault_of(target, b'{"a": 1}') or "")
    tally = search(target, count=20, seconds=5.0)
    assert tally.tried == 20
    assert all(line.startswith("a ") for line in tally.faults.values())
    assert tally.faults


def test_an_input_is_the_same_wherever_it_is_made() -> None:
    target = Target("a", "json", bytes, seeds=(b'{"a": [1, "b"], "c": null}',))
    assert [target.damaged(number) for number in range(50)] == [target.damaged(number) for number in range(50)]
    assert len({target.damaged(number) for number in range(50)}) > 25

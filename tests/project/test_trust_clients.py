"""The short form of the trial of many clients."""

import pytest

from trust import clients
from trust.clients import rounds
from trust.clients.watch import Watch, expect


def test_nothing_fails_but_what_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CLIENTS", 8)
    monkeypatch.setattr(rounds, "P99_MS", 60_000.0)  # tests share the processor: `make trust` measures
    outcomes = list(clients.trial(short=True))
    assert [outcome.faults for outcome in outcomes] == [()] * 4
    assert all(outcome.tried > 20 for outcome in outcomes)


def test_a_failure_that_nobody_made_is_a_fault() -> None:
    watch = Watch()
    for is_right in (True, False):
        with watch.trying("a"):
            expect(is_right, "first")
    with watch.making_it_fail(), watch.trying("b"):
        expect(False, "second")
    assert watch.faults() == ("a: WrongAnswerError: first",)
    assert (watch.injected, watch.tried.total()) == (1, 3)

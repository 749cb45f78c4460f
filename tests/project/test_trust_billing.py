"""The trial's part on what is paid for, in short: what it says is nothing lost and nothing twice."""

from __future__ import annotations

import pytest

from trust.billing import trial


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_creating_requests_whose_answers_are_lost_leave_nothing_unknown_and_nothing_twice() -> None:
    outcomes = list(trial(short=True))
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert all(outcome.tried > 1 for outcome in outcomes)

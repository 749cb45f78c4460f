"""The short form of the trial of disks: what `make trust` does longer."""

from trust.disks import trial


def test_disks_that_fail_and_clocks_that_jump_lose_nothing() -> None:
    outcomes = list(trial(short=True))
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert sum(outcome.tried for outcome in outcomes) > 30

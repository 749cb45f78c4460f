"""What a training job's attempts add up to, and where its rehearsal ends one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jobs.emulator.host.rehearsal import TrainingTrouble
from jobs.emulator.training.attempts import Attempts

NOTICE = "#progress_notice. epoch: 0, iterations: 20 speed: 1 samples/sec"
METRIC = "#progress_metric: host=algo-1, completed 50.0 % of epochs"


def ends(attempts: Attempts, *lines: str) -> list[bool]:
    return [attempts.end_with(line) for line in lines]


def test_only_notices_and_metrics_of_progress_are_steps() -> None:
    attempts = Attempts(TrainingTrouble(), spot=False)
    assert ends(attempts, NOTICE, "#quality_metric. host: algo-1", METRIC, "progress_notice") == [False] * 4
    assert attempts.steps == 2


def test_a_failure_comes_at_its_step_and_stays() -> None:
    attempts = Attempts(TrainingTrouble(algorithm_error="broken", fail_at_step=2, interrupt_at_steps=(3,)), spot=True)
    assert not attempts.failing
    assert ends(attempts, NOTICE, NOTICE, NOTICE) == [False, True, True]
    assert (attempts.failing, attempts.interrupted) == (True, False)


def test_a_failure_at_step_0_is_there_before_the_container() -> None:
    assert Attempts(TrainingTrouble(algorithm_error="broken"), spot=False).failing


@pytest.mark.parametrize("spot", [True, False])
def test_only_spot_instances_are_reclaimed(spot: bool) -> None:
    attempts = Attempts(TrainingTrouble(interrupt_at_steps=(1,)), spot)
    assert ends(attempts, NOTICE) == [spot]
    assert attempts.interrupted is spot


def test_lines_that_a_killed_container_had_written_count_and_change_nothing() -> None:
    attempts = Attempts(TrainingTrouble(interrupt_at_steps=(1,)), spot=True)
    assert ends(attempts, NOTICE, NOTICE) == [True, False]
    assert (attempts.interrupted, attempts.steps) == (True, 2)


def test_steps_and_seconds_add_up_over_attempts_and_each_has_a_stamp_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(time=lambda: 1000.7, monotonic=iter((0, 2, 10, 13, 20, 24)).__next__)
    monkeypatch.setattr("jobs.emulator.training.attempts.time", clock)
    attempts = Attempts(TrainingTrouble(interrupt_at_steps=(2,)), spot=True)
    seen = []
    for _ in range(3):
        with attempts.one_more():
            ends(attempts, NOTICE)
        seen.append((attempts.number, attempts.stamp, attempts.trained_seconds, attempts.interrupted))
    assert seen == [(1, 1000, 2, False), (2, 1001, 5, True), (3, 1002, 9, False)]

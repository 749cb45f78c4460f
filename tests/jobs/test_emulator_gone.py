"""An emulator that is killed while its job is followed: what is said is what has happened."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from formats.errors import SagesegError
from jobs.emulator.presence import living_emulator, presence_path
from jobs.tracking import following
from jobs.tracking.records import JobRecord
from sageseg.cli import app
from tests.support.emulator_setup import SLEEPS, client, killable_emulator, programs, wait_for_line, wait_until
from tests.support.serving_setup import small_dataset


def test_the_job_that_it_took_along_is_failed_and_the_cure_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next question starts the next emulator, at another address, which settles the job."""
    home = tmp_path / "home"
    monkeypatch.setenv("SAGESEG_HOME", str(home))
    dataset = small_dataset(tmp_path / "dataset")
    programs(tmp_path, SLEEPS)
    words = ["jobs", "train", str(dataset.root), "--backend", "local", "--name", "cars", "--mini-batch-size", "1"]
    with killable_emulator(tmp_path) as (url, server):

        def kill() -> None:
            with client("logs", url) as logs:
                wait_for_line(logs, "waiting", "cars")
            server.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            ran = CliRunner().invoke(app, words)
        finally:
            killer.join()
            again = living_emulator(home)
            if again is not None:
                os.kill(again.pid, signal.SIGTERM)
                wait_until(lambda: not presence_path(home).exists())
    said = str(ran.exception)
    assert "goes on" not in ran.output
    if "InternalServerError" in said:  # it asked again after the kill, and not in the middle of it
        assert said.endswith(
            "ended while the job was running; the same command begins it anew, with another --name where one was given"
        )
    else:
        assert "the emulator is gone, and cars with it; sageseg jobs show cars" in ran.output


def test_without_an_emulator_a_job_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    record = JobRecord("cars", "local", "us-east-1", "", "", [], {})
    said: list[str] = []

    def fail(_: JobRecord, _seen: object) -> JobRecord:
        raise SagesegError("reading the log of cars: no answer")

    monkeypatch.setattr("jobs.tracking.follow_training.follow", fail)
    monkeypatch.setattr(following, "say", said.append)
    with pytest.raises(SagesegError, match="no answer"):
        following.follow_or_leave(record)
    monkeypatch.setattr("jobs.backends.emulator_lives", lambda: True)
    with pytest.raises(SagesegError, match="no answer"):
        following.follow_or_leave(record)
    assert said[0].startswith("the emulator is gone, and cars with it")
    assert said[1].startswith("cars goes on; sageseg jobs logs cars --follow watches it again")

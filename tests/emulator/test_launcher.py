"""The emulator as a process of its own: started once, found again, gone when idle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.errors import SagesegError
from jobs.emulator import launcher
from jobs.emulator.keys import read_keys
from jobs.emulator.launcher import ensure_emulator
from jobs.emulator.presence import living_emulator, presence_path, read_presence
from tests.support.emulator_setup import client, is_alive, wait_until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose emulator, if it was started, is ended after the test."""
    home = tmp_path / "home"
    yield home
    presence = living_emulator(home)
    if presence is not None:
        os.kill(presence.pid, signal.SIGTERM)
        wait_until(lambda: not presence_path(home).exists())


def test_all_who_ask_at_once_get_the_same_emulator(home: Path) -> None:
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(ensure_emulator(home))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 3
    assert set(urls) == {ensure_emulator(home)}
    with client("sagemaker", urls[0], read_keys(home)) as sagemaker:
        assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_an_address_that_nobody_answers_at_is_not_believed(home: Path) -> None:
    url = ensure_emulator(home)
    presence = read_presence(home)
    assert presence is not None
    os.kill(presence.pid, signal.SIGKILL)
    wait_until(lambda: living_emulator(home) is None)
    assert presence_path(home).exists()
    ensure_emulator(home)
    again = living_emulator(home)
    assert again is not None
    assert (again.pid, again.home) != (presence.pid, url)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    (home / "emulator").mkdir(parents=True)
    (home / "emulator" / "state.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(SagesegError, match=r"the emulator could not be started: .*cannot be read as the emul"):
        ensure_emulator(home)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SagesegError, match="file: cannot be made .* set SAGESEG_HOME"):
        ensure_emulator(tmp_path / "file")


def test_an_emulator_of_another_version_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_emulator(home)
    monkeypatch.setattr(launcher, "tool_version", lambda: "99")
    with pytest.raises(SagesegError, match=r"is version .*, this is 99; wait until its jobs have ended"):
        ensure_emulator(home)


def test_it_leaves_when_idle(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "jobs.emulator", "--home", str(tmp_path), "--idle-seconds", "0.1"]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0
    assert ended.stderr.splitlines()[0].startswith(f"emulator of {tmp_path} at http://127.0.0.1:")
    assert not presence_path(tmp_path).exists()


def test_a_home_that_was_removed_and_made_again_keeps_its_new_emulator(home: Path) -> None:
    ensure_emulator(home)
    old = living_emulator(home)
    shutil.rmtree(home)
    ensure_emulator(home)
    new = living_emulator(home)
    assert old is not None
    assert new is not None
    assert old.pid != new.pid
    os.kill(old.pid, signal.SIGTERM)
    wait_until(lambda: not is_alive(old.pid))
    assert living_emulator(home) == new

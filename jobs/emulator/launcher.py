"""Find the emulator of a home, or start it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from formats.console import detail
from formats.disk.private_files import private
from formats.disk.whole_files import write_errors
from formats.errors import SagesegError
from formats.version import tool_version
from jobs.emulator.host.container import child_environment
from jobs.emulator.presence import (
    Presence,
    emulator_folder,
    exclusive,
    living_emulator,
    log_file_path,
)

START_SECONDS = 20.0
IDLE_SECONDS = 60.0
_POLL_SECONDS = 0.02


def ensure_emulator(home: Path, idle_seconds: float = IDLE_SECONDS) -> str:
    """The URL of this home's emulator, which is started when none answers, to end after so long without work.

    It goes on when this process ends. Raises SagesegError with the last line of its log when it cannot be started.
    """
    home = home.absolute()
    presence = living_emulator(home)
    if presence is None:
        with exclusive(emulator_folder(home) / "launch.lock"):
            presence = living_emulator(home) or _start(home, idle_seconds)
    if presence.version != tool_version():
        raise SagesegError(
            f"{home}: its emulator (process {presence.pid}) is version {presence.version}, this is "
            f"{tool_version()}; wait until its jobs have ended, or end it with kill {presence.pid}"
        )
    return presence.url


def _start(home: Path, idle_seconds: float) -> Presence:
    with write_errors(log_file_path(home)), open(log_file_path(home), "ab", opener=private) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.emulator", "--home", str(home), "--idle-seconds", str(idle_seconds)],
            cwd=home,
            env=child_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C here does not reach it
        )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie while this process lives
    return _await_answer(home, process)


def _await_answer(home: Path, process: subprocess.Popen[bytes]) -> Presence:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        presence = living_emulator(home)
        if presence is not None:
            detail(f"started the emulator of {home}: process {presence.pid} at {presence.url}")
            return presence
        if process.poll() is not None:
            raise SagesegError(
                f"the emulator could not be started: {_last_line(log_file_path(home)).removeprefix('error: ')}"
            )
        time.sleep(_POLL_SECONDS)
    process.kill()
    raise SagesegError(f"the emulator did not answer within {START_SECONDS:.0f} s; see {log_file_path(home)}")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"{path} is empty"

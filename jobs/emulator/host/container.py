"""A container, as a child process with a process group of its own.

A server that is killed takes its containers along (`guard`). Where one survives even so, the next server ends it: the
child inherits a locked file, and as long as any process of the group holds it, the lock cannot be taken, so that a
survivor is not mistaken for another process that got the same number.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import jobs
from jobs.emulator.host.endings import describe_ending, oom_kills
from jobs.emulator.host.guard import GUARD

Command = Callable[[Path], list[str]]
"""The container program's command line, for the tree that stands for its `/opt/ml`."""

MAX_LINE_BYTES = 2**18
"""A longer line becomes several log events; CloudWatch's limit of one event."""


@dataclass(frozen=True)
class Programs:
    """What stands for the ways in which a container is run: it trains, serves, or processes what its arguments say."""

    train: Command
    serve: Command
    process: Command


def _own(command: str) -> Command:
    return lambda root: [sys.executable, "-m", "jobs.algorithm", command, "--root", str(root)]


def _command(_root: Path) -> list[str]:
    return [sys.executable, "-m", "sageseg"]


OWN_PROGRAMS = Programs(_own("train"), _own("serve"), _command)
"""The project's own container programs; the emulator runs no others."""


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment in which this project's packages are found from any folder, and output
    comes line by line."""
    packages = str(Path(jobs.__file__).resolve().parent.parent)
    paths = [packages, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(paths), **extra}


class Container:
    """A running container program. Reading `lines` to the end and then `wait` sees it out."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process, self._output = process, output
        self._oom_kills, self._asked_to_end = oom_kills(), False
        self._ended = threading.Event()
        self._grace: threading.Timer | None = None
        self._reaper = threading.Thread(target=self._reap, daemon=True)
        self._reaper.start()

    def _reap(self) -> None:
        """When the program ends, so does whatever it leaves behind, which would hold the output open."""
        self._process.wait()
        self._ended.set()
        _kill_group(self._process.pid)
        GUARD.end(self._process.pid)

    def lines(self) -> Iterator[str]:
        """Standard output and error, line by line, without line ends."""
        with self._output:
            while line := self._output.readline(MAX_LINE_BYTES):
                yield line.decode("utf-8", "replace").rstrip("\r\n")

    def wait(self) -> int:
        """The exit code, as a shell counts it: 128 + the signal's number where a signal ended it."""
        self._reaper.join()
        if self._grace is not None:
            self._grace.cancel()
        code = self._process.returncode
        return 128 - code if code < 0 else code

    def ending(self) -> str:
        """What is known of its end once it has ended: empty where it, or who runs it here, ended it."""
        code = self.wait()
        return "" if self._asked_to_end else describe_ending(code, memory_ran_out=oom_kills() > self._oom_kills)

    def terminate(self, grace_seconds: float) -> None:
        """Ask the program to end (SIGTERM); end it with all its children after the grace."""
        if self._ended.is_set():
            return
        self._asked_to_end = True
        self._process.terminate()
        self._grace = threading.Timer(grace_seconds, self.kill)
        self._grace.daemon = True
        self._grace.start()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def kill(self) -> None:
        if not self._ended.is_set():
            self._asked_to_end = True
            _kill_group(self._process.pid)


def start_container(command: list[str], folder: Path, environment: Mapping[str, str]) -> Container:
    """Start a container program in a folder, where `kill_survivor` can find it."""
    with _lock_path(folder).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(held.fileno(),),
        )
        try:
            GUARD.begin(process.pid)
        except OSError:  # no room for one more process
            _kill_group(process.pid)
            raise
        held.write(str(process.pid))
    if process.stdout is None:
        raise RuntimeError("the container's output was not piped")
    return Container(process, process.stdout)


def kill_survivor(folder: Path) -> None:
    """End a container that outlived the server which had started it in this folder."""
    try:
        held = _lock_path(folder).open()
    except FileNotFoundError:
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number = held.read()
            if number:
                _kill_group(int(number))


def _lock_path(folder: Path) -> Path:
    return folder / "container.lock"


def _kill_group(number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of which only zombies are left
        os.killpg(number, signal.SIGKILL)

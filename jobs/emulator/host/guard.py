"""Who ends containers when the server is killed: a small process of its own, at the other end of a pipe.

It is told each container's process group as it begins and ends. When the pipe ends, so has the server, in whatever way,
and what is left is killed; a server that ends well has left nothing. The kernel's own means (PR_SET_PDEATHSIG) is
Linux's alone, and would spare what a container has started.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading

_PROGRAM = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    number = int(line)
    groups.add(number) if number > 0 else groups.discard(-number)
for number in groups:
    try:
        os.killpg(number, signal.SIGKILL)
    except OSError:
        pass
"""


class _Guard:
    """One for the process, started with its first container; one that was killed is replaced when next told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self._forget)

    def begin(self, group: int) -> None:
        with self._lock:
            self._groups.add(group)
            self._tell(group)

    def end(self, group: int) -> None:
        with self._lock:
            self._groups.discard(group)
            self._tell(-group)

    def _tell(self, word: int) -> None:
        try:
            self._write(word)
        except OSError:  # it was killed; the new one learns of all that run
            self._forget()
            for group in sorted(self._groups):
                self._write(group)

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
        self._process = None

    def _write(self, word: int) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # what ends the server, Ctrl-C or a signal to its group, leaves it
            )
        if self._process.stdin is not None:
            self._process.stdin.write(f"{word}\n".encode())


GUARD = _Guard()

"""Disks that fail under a running verb. Python tells its audit hooks of every file that is opened, every folder that is
made, renamed or removed, before the system is asked; a hook that raises is a disk that refuses."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from formats.disk.whole_files import MARK

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_TAKES_SPACE = ("open", "os.mkdir", "os.link", "os.symlink")
_CHANGES = (*_TAKES_SPACE, "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree")
_CUT_BYTES = 40
KINDS = {
    "full": "no room for another file or folder from then on",
    "cut": "no room for more than the first bytes of a file from then on",
    "locked": "read-only from then on",
    "gone": "what is in the making is removed by somebody else",
}


class Disk:
    """What lies below `root`, and what happens to it at its `at`-th change (from 1; 0: nothing). `changes` counts them;
    of a process that dies with it, because a hook cannot be taken off."""

    def __init__(self, root: Path, kind: str, at: int) -> None:
        self.root, self.kind, self.at = os.fspath(root.resolve()), kind, at
        self.changes = 0
        self._inside = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if self._inside or event not in _CHANGES or not self._is_below(event, given):
            return
        if event == "open" and not (isinstance(given[2], int) and given[2] & _WRITES):
            return
        self.changes += 1
        if self.at and self.changes >= self.at:
            self._fail(event, given)

    def _is_below(self, event: str, given: tuple[Any, ...]) -> bool:
        place = given[1] if event in ("os.link", "os.symlink") else given[0]
        if not isinstance(place, str | bytes | os.PathLike):
            return event == "os.truncate"  # an open file's
        path = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(place)))  # noqa: PTH109, PTH118
        return path.startswith(self.root)

    def _fail(self, event: str, given: tuple[Any, ...]) -> None:
        if self.kind == "full" and event in _TAKES_SPACE:
            _refuse(errno.ENOSPC, given)
        if self.kind == "locked":
            _refuse(errno.EROFS, given)
        if self.changes == self.at and self.kind == "cut":
            # Python has the signal of this ignored, so that the write fails
            resource.setrlimit(resource.RLIMIT_FSIZE, (_CUT_BYTES, resource.RLIM_INFINITY))
        if self.changes == self.at and self.kind == "gone":
            self._inside = True
            for path in list(Path(self.root).rglob(f"*{MARK}")):
                if path.is_dir():
                    shutil.rmtree(path)
            self._inside = False


def _refuse(number: int, given: tuple[Any, ...]) -> None:
    raise OSError(number, os.strerror(number), os.fsdecode(given[0]) if isinstance(given[0], str | bytes) else None)


def jump_clock(seconds: float) -> None:
    """From now on each look at the clock of this process finds it so much further; backward where negative."""
    now, looks = time.time, [0]

    def jumping() -> float:
        looks[0] += 1
        return now() + seconds * looks[0]

    time.time = jumping
    time.time_ns = lambda: int(jumping() * 1e9)

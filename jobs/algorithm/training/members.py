"""The processes of a team, one for each GPU: started, seen out, and how one knows that it is a member.

Without torch, so that the program asks before it is there; what members do together is in `team`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from formats.errors import SagesegError

RANK, SIZE, MEETING = "SAGESEG_RANK", "SAGESEG_TEAM_SIZE", "SAGESEG_TEAM_FILE"
"""A member's number, how many there are, and the file by which they find each other."""
_POLL_SECONDS = 0.1


def own_rank() -> int | None:
    """This process's number in its team, the first one's 0; None where it is no member."""
    return int(os.environ[RANK]) if RANK in os.environ else None


def run_members(arguments: Sequence[str], size: int, stop: threading.Event, failure: Path) -> bool:
    """Run `python -m jobs.algorithm ARGUMENTS` as a team; True when all members end well.

    `stop` is passed on as SIGTERM. When one member fails, the others are ended, for they would wait
    for it for ever. Raises SagesegError when it left no reason at `failure`.
    """
    with tempfile.TemporaryDirectory() as folder:
        members = [_start(arguments, rank, size, Path(folder) / "meeting") for rank in range(size)]
        try:
            failed = _see_out(members, stop)
        finally:
            for member in members:
                member.kill()
                member.wait()
    if failed is not None and not failure.exists():
        code = members[failed].returncode
        raise SagesegError(f"the process of GPU {failed} ended with exit code {code}; its memory may not suffice")
    return failed is None


def _start(arguments: Sequence[str], rank: int, size: int, meeting: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, RANK: str(rank), SIZE: str(size), MEETING: str(meeting)}
    # a member inherits that SIGTERM is held back, and takes it once it listens: until then it would die of it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        return subprocess.Popen([sys.executable, "-m", "jobs.algorithm", *arguments], env=environment)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _see_out(members: Sequence[subprocess.Popen[bytes]], stop: threading.Event) -> int | None:
    """Wait for all members; the number of the first that failed."""
    asked = False
    while True:
        codes = [member.poll() for member in members]
        if any(codes):
            return next(rank for rank, code in enumerate(codes) if code)
        if None not in codes:
            return None
        if stop.is_set() and not asked:
            asked = True
            for member in members:
                member.terminate()
        time.sleep(_POLL_SECONDS)


def end_member(code: int) -> NoReturn:
    """End this process without the interpreter's own end: a thread of gloo that lets go of its last
    tensor meanwhile aborts the process, in one of six members that had nothing left to do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""`sageseg` in a process that is killed at a point, forked from one that has imported everything: a kill costs a
fraction of a second.

A point is a number of events: each change of a name and each opening for writing that Python's audit hooks tell of
(open, rename, remove, mkdir, rmdir, link …), each fsync, each exchange of two folders. The process dies before the
event, so that every state between two of them is met. Or it is a size: the system kills the process as a file grows
beyond it, so that a half-written file stays. Or it is a time.
"""

from __future__ import annotations

import mmap
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from formats.disk import whole_folders

_CHANGES = frozenset(
    f"os.{name}" for name in ("rename", "remove", "mkdir", "rmdir", "link", "symlink", "truncate", "chmod", "fsync")
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Kill:
    """Where a process is killed: by `number` before the `event`-th change, or by the system as a file outgrows `size`
    bytes (SIGXFSZ), or after `seconds` (SIGALRM). None of them: nowhere."""

    event: int = 0
    size: int = 0
    seconds: float = 0
    number: signal.Signals = signal.SIGKILL

    def __str__(self) -> str:
        if self.size:
            return f"as a file outgrew {self.size} bytes"
        if self.seconds:
            return f"killed after {self.seconds:.3f} s"
        return f"{self.number.name} before change {self.event}"


NOWHERE = Kill()


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, negative for a signal; the changes that it made; what it printed."""

    code: int
    changes: int
    said: str
    seconds: float


def forked(work: Callable[[], Any], desk: Path, environment: Mapping[str, str], kill: Kill = NOWHERE) -> Ended:
    """Do `work` in a child that stands in `desk`, and see it and its own children out. Its exit code is 1 where
    `work` raises, with the traceback in what it said."""
    changes = mmap.mmap(-1, 8)
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        _work(work, desk, environment, kill, changes, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, int.from_bytes(changes[:8], "little"), said, time.monotonic() - began)


def _work(
    work: Callable[[], Any], desk: Path, environment: Mapping[str, str], kill: Kill, changes: mmap.mmap, output: int
) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        os.chdir(desk)
        os.environ.update(environment)
        _count(str(desk), kill, changes)
        _limit(kill)
        work()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 (a child must not go on as its parent)
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _count(desk: str, kill: Kill, changes: mmap.mmap) -> None:
    done = 0

    def hook(event: str, given: tuple[Any, ...]) -> None:
        nonlocal done
        if event == "open":
            if not isinstance(given[0], str | bytes | os.PathLike) or not (given[2] or 0) & _WRITES:
                return
        elif event not in _CHANGES:
            return
        place = os.fsdecode(given[0]) if isinstance(given[0], str | bytes | os.PathLike) else ""
        if place.startswith("/") and not place.startswith(desk):
            return
        done += 1
        changes[:8] = done.to_bytes(8, "little")
        if done == kill.event:
            os.kill(os.getpid(), kill.number)

    for place, name in ((os, "fsync"), (whole_folders, "exchange"), (whole_folders, "sync_tree")):
        setattr(place, name, _audited(getattr(place, name)))  # of these no event tells
    sys.addaudithook(hook)


def _audited(call: Callable[..., Any]) -> Callable[..., Any]:
    def audited(*given: Any) -> Any:
        sys.audit("os.fsync", "")
        return call(*given)

    return audited


def _limit(kill: Kill) -> None:
    if kill.size:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (kill.size, kill.size))
    if kill.seconds:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, kill.seconds)


@contextmanager
def standing(
    serve: Callable[[], AbstractContextManager[str]], desk: Path, kill: Kill = NOWHERE
) -> Iterator[tuple[int, str]]:
    """A forked server, by its process and the URL that `serve` tells; it is ended when the block ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _serve(serve, desk, writing, kill)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        url = pipe.readline().strip()
    try:
        if not url:
            raise RuntimeError(f"a server did not start; see {desk}")
        yield child, url
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def _serve(serve: Callable[[], AbstractContextManager[str]], desk: Path, output: int, kill: Kill) -> NoReturn:
    code = 1
    try:
        os.setsid()
        log = os.open(desk / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        ended = [signal.SIGTERM, signal.SIGINT]
        signal.pthread_sigmask(signal.SIG_BLOCK, ended)
        with serve() as url:
            os.write(output, f"{url}\n".encode())
            os.close(output)
            _limit(kill)
            signal.sigwait(ended)
        code = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)

"""The search of each target in a process of its own, so that what kills one is a fault like any other."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_longlong
from multiprocessing import get_context
from multiprocessing.connection import Connection

from trust.damage.all_targets import TARGETS
from trust.damage.engine import Tally, folder_in_memory, search

_MEMORY_OF_WORKER = 4 * 2**30


def search_apart(names: Sequence[str], *, seconds: float, workers: int, first: int = 0) -> Iterator[Tally]:
    """`search` of each target, by its name in `all_targets`, for `seconds` in a process of its own: what kills it, or
    makes it hang where no alarm is heard, is a fault with the number of the input."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda name: _apart(name, seconds, first), names)


def _apart(name: str, seconds: float, first: int) -> Tally:
    context = get_context("spawn")
    at = context.RawValue(c_longlong, first)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(name, seconds, first, at, theirs))
    process.start()
    theirs.close()
    tally = _received(ours, seconds * 20 + 120)
    if tally is None:
        process.kill()
    process.join()
    if tally is not None:
        return tally
    number = int(at.value)
    return Tally(name, number - first, faults={"died": f"{name} {number}: its process ended ({process.exitcode})"})


def _received(ours: Connection, timeout: float) -> Tally | None:
    try:
        return ours.recv() if ours.poll(timeout) else None
    except EOFError:
        return None


def _work(name: str, seconds: float, first: int, at: c_longlong, theirs: Connection) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries speak there of every damaged image
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_OF_WORKER, _MEMORY_OF_WORKER))
    with folder_in_memory() as folder:
        target = TARGETS[name](folder)
        search(target, count=200, seconds=seconds, first=first)  # what is loaded or made once is no input's time
        theirs.send(search(target, count=2**62, seconds=seconds, first=first, at=at))

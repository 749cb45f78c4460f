"""Disks that fill, are locked or lose folders under a verb, and clocks that jump: one line, nothing half-written that
looks finished, and then the same command gives the bytes of an undisturbed one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from trust.disks.faults import KINDS
from trust.disks.tries import Try, faults_of, undisturbed
from trust.disks.verbs import SHORT, UPLOADED, VERBS, desk, store
from trust.outcome import Outcome

_POINTS, _SHORT_POINTS = 6, 2
"""So many places in each verb's changes of the disk at which each kind of fault happens."""
_PROCESSES = 2
_JUMPS = (86_400, -86_400, -1e9)
"""Seconds by which the clock is off further at each look at it."""


def trial(*, short: bool) -> Iterator[Outcome]:
    """A line for each verb: in short of a few, else of every other one in each of two processes."""
    if short:
        yield from _outcomes(SHORT, short=True)
        return
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        for found in pool.map(_all_of, [tuple(VERBS)[number::_PROCESSES] for number in range(_PROCESSES)]):
            yield from found


def _all_of(verbs: Sequence[str]) -> list[Outcome]:
    return list(_outcomes(verbs, short=False))


def _outcomes(verbs: Iterable[str], *, short: bool) -> Iterator[Outcome]:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        at = stack.enter_context(desk(Path(folder)))
        if not short:
            stack.enter_context(store())
        for verb in verbs:
            begin, place = time.monotonic(), Path(folder) / (UPLOADED if verb == "upload" else "place")
            changes, expected = undisturbed(at, verb, place)
            tries = list(_tries(verb, changes, _SHORT_POINTS if short else _POINTS))
            faults = [fault for one in tries for fault in faults_of(at, one, place, expected)]
            what = f"{verb} on a disk that fills, cuts files, is locked or loses folders; a clock that jumps"
            yield Outcome(what, len(tries), tuple(faults), time.monotonic() - begin, f"{changes} changes")


def _tries(verb: str, changes: int, points: int) -> Iterator[Try]:
    for kind in KINDS:
        for place in sorted({round(1 + step * (changes - 1) / (points - 1)) for step in range(points)}):
            yield Try(verb, kind, place)
    for jump in _JUMPS:
        yield Try(verb, "clock", int(jump))

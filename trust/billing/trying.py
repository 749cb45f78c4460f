"""Each verb once undisturbed, to learn its requests; then once for each request and each fault, and again without."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import pytest
from typer.testing import Result

from aws import clients
from aws.names import utc_now
from formats.errors import SagesegError
from jobs.backends import open_place
from jobs.creating import CREATING
from jobs.endpoints.leftovers import find_leftovers
from jobs.endpoints.records import endpoint_records
from jobs.prediction.batch_record import batches
from jobs.tracking.records import read_record, record_names, write_record
from tests.support.processing_setup import MAKES_SHARDS
from tests.support.serving_setup import Served
from trust.billing.faults import FAULTS, OF_ALL, OF_SHORT, Fault, KilledError, Line, on_the_line
from trust.billing.service import ENDED, Session, all_there, await_changes, service, settle
from trust.billing.verbs import VERBS, Verb, run
from trust.outcome import Outcome

_CREATES = frozenset("".join(part.title() for part in call.create.split("_")) for call in CREATING) | {
    "StartPipelineExecution"
}
"""The operations that create, by the table, and the one that has a pipeline create."""
_SHORT = ("train on one type after the other", "deploy with a lease")
_PROCESSES = 3
"""A third of a try is waiting."""
_KNOWN = ("was started from this folder", "is there already")
"""How the second call may end: it names what is there, and how that is followed or ended."""


def try_all(*, short: bool) -> Iterator[Outcome]:
    """In short the creating requests alone, of two verbs; else each verb in one of the processes."""
    if short:
        with service(MAKES_SHARDS) as served:
            yield from (_try_verb(served, verb, short=True) for verb in VERBS if verb.what in _SHORT)
        return
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn"), max_tasks_per_child=1) as pool:
        tried = [pool.submit(_try_by_number, number) for number in reversed(range(len(VERBS)))]  # the longest first
        yield from (each.result() for each in reversed(tried))


def _try_by_number(number: int) -> Outcome:
    with service(VERBS[number].process) as served:
        return _try_verb(served, VERBS[number], short=False)


def _try_verb(served: Served, verb: Verb, *, short: bool) -> Outcome:
    since, tried = monotonic(), 0
    faults: list[str] = []
    line = Line(served.folder / "tries" / "0" / "home")
    with _place_for_try(served, verb, line) as folder, on_the_line(line):
        ran = run(*verb.words(served, folder))
    if ran.exit_code:
        faults.append(f"{verb.what}, undisturbed: {_end_of(ran)}")
    operations = [(operation, nth) for operation in dict.fromkeys(line.asked) for nth in (1, 2)]
    asked = [(operation, nth) for operation, nth in operations if line.asked.count(operation) >= nth]
    settle(served)
    shutil.rmtree(served.folder / "tries")
    for operation, nth in asked:
        for fault in _faults_for(operation, nth, short=short):
            tried += 1
            line = Line(served.folder / "tries" / str(tried) / "home", operation, nth, fault)
            faults += _try(served, verb, line)
    shutil.rmtree(served.folder / "tries", ignore_errors=True)
    return Outcome(
        f"{verb.what}: its requests disturbed, then the same again",
        tried,
        tuple(faults),
        monotonic() - since,
        f"{len({operation for operation, _ in asked})} kinds of requests",
    )


def _faults_for(operation: str, nth: int, *, short: bool) -> tuple[Fault, ...]:
    creates = operation.partition(".")[2] in _CREATES
    if nth > 1 and not creates:
        return ()
    if short:
        return OF_SHORT if creates else ()
    return FAULTS if creates else OF_ALL


@contextmanager
def _place_for_try(served: Served, verb: Verb, line: Line) -> Iterator[Path]:
    """A home of its own that knows the trained job, and what the verb needs."""
    folder = line.home.parent
    line.home.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGESEG_HOME", str(line.home))
        session = Session()
        patch.setattr(clients, "_session", lambda: session)
        write_record(served.record)
        verb.before(served, folder)
        yield folder


def _try(served: Served, verb: Verb, line: Line) -> list[str]:
    """The faults of one try."""
    where = f"{verb.what}: {line.operation} (number {line.nth}) {line.fault.words if line.fault else ''}"
    with _place_for_try(served, verb, line) as folder:
        words = verb.words(served, folder)
        with on_the_line(line):
            first = _first(words)
        if not line.struck:
            return []
        if line.killed:
            shutil.rmtree(line.home)
            line.left.rename(line.home)
        found = [f"{where}: {problem}" for problem in (*_wrong_end(first), *_unknown(served))]
        second = run(*words)
        found += [f"{where}, then again: {problem}" for problem in _wrong_after(served, verb, first, second)]
    settle(served)
    return found


def _first(words: list[str]) -> Result | None:
    """None where the process is gone."""
    try:
        return run(*words)
    except KilledError:
        return None


def _wrong_end(ran: Result | None) -> Iterator[str]:
    if ran is not None and not isinstance(ran.exception, SagesegError | SystemExit | None):
        yield f"{type(ran.exception).__name__}: {ran.exception}"


def _end_of(ran: Result) -> str:
    return str(ran.exception or ran.exit_code)


def _unknown(served: Served) -> Iterator[str]:
    """What is there and neither in a record nor among the leftovers."""
    await_changes(served)  # an endpoint that goes holds its configuration until it has gone, between two looks
    place = open_place("aws", served.record.region)
    listed = {(one.kind, one.name) for one in find_leftovers(place, utc_now() + timedelta(days=1))}
    recorded = {*record_names(), *(record.name for record in endpoint_records()), *(one.name for one in batches())}
    for kind, name, status in all_there(served):
        if kind == "execution" or name.startswith("pipelines-"):  # found by the pipeline's name, with all its jobs
            continue
        known = name in recorded or any(name.startswith(f"{one}-") for one in recorded if read_is_tuning(one))
        if status in ENDED:  # costs no more; its record tells of it
            if not known and kind not in ("transform job", "processing job"):
                yield f"{kind} {name} is in no record"
        elif (kind, name) not in listed:
            yield f"{kind} {name} ({status}) is not among the leftovers"


def read_is_tuning(name: str) -> bool:
    return name in record_names() and read_record(name).is_tuning


def _wrong_after(served: Served, verb: Verb, first: Result | None, second: Result) -> Iterator[str]:
    """What is wrong when the same command has run again, undisturbed."""
    if second.exception is not None and not any(words in str(second.exception) for words in _KNOWN):
        gone = verb.what.startswith("delete") and "no endpoint of that name" in str(second.exception)
        if not gone:
            yield _end_of(second)
    yield from _unknown(served)
    there = all_there(served)
    for kind in ("training job", "tuning job", "processing job", "execution", "endpoint"):
        names = [name for one, name, _ in there if one == kind and not (kind == "training job" and verb.what == "tune")]
        if len(names) > 1 and not _was_told(first, names):
            yield f"{len(names)} {kind}s: {', '.join(sorted(names))}"
        if verb.leaves and kind in verb.what and not names:
            yield f"no {kind}"
    running = [f"{kind} {name}" for kind, name, status in there if kind == "transform job" and status not in ENDED]
    if running:
        yield f"{', '.join(running)} goes on"
    await_changes(served)
    # what is free and new is among the leftovers a quarter of an hour later
    free = () if verb.what.startswith("delete") else ("configuration", "model")
    kept = [one for one in all_there(served) if one[0] not in (*free, "transform job") and one[2] not in ENDED]
    if kept and not verb.leaves:
        yield f"{', '.join(f'{kind} {name}' for kind, name, _ in kept)} is left"


def _was_told(first: Result | None, names: list[str]) -> bool:
    """Whether the first call said of one of these that it goes on: then a second is a person's will."""
    return first is not None and any(f"{name} goes on" in first.stderr or name in first.stdout for name in names)

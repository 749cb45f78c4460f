"""Each verb once undisturbed, to learn its requests; then once for each request and each fault, and again without."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from typer.testing import CliRunner, Result

from aws import clients
from aws.names import utc_now
from formats.errors import SagesegError
from jobs.backends import open_place
from jobs.creating import CREATING
from jobs.endpoints.leftovers import find_leftovers
from jobs.endpoints.records import endpoint_records
from jobs.prediction.batch_record import batches
from jobs.tracking.records import read_record, record_names, write_record
from sageseg.cli import app
from tests.support.aws_setup import ROLE
from tests.support.emulator_setup import wait_until
from tests.support.keys import KEYS
from tests.support.serving_setup import NAME, SCHEDULER_ROLE, Served, served_job
from trust.billing.faults import FAULTS, OF_ALL, OF_SHORT, Fault, KilledError, Line, on_the_line
from trust.outcome import Outcome

_CREATES = frozenset("".join(part.title() for part in call.create.split("_")) for call in CREATING)
"""The operations that create, by the table."""
_SHORT = ("train on one type after the other", "deploy with a lease")
_PROCESSES = 2
_KNOWN = ("was started from this folder", "is there already")
"""How the second call may end: it names what is there, and how that is followed or ended."""
_TRAINS = """
(root / "model" / "weights").write_text("trained")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.25 .")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.5 .")
"""
_TRAIN = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", "1", "--yes")
_ENDED = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True)
class Verb:
    """A command line. `words` are made for the folder of a try; `before` prepares it. `leaves` says whether what it
    made is to be there in the end."""

    what: str
    words: Callable[[Served, Path], list[str]]
    before: Callable[[Served, Path], None] = lambda _served, _folder: None
    leaves: bool = True


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def _deployed(_served: Served, _folder: Path) -> None:
    _run("jobs", "deploy", NAME, "--yes")


def _experiment(served: Served, folder: Path) -> list[str]:
    file = folder / "experiment.yaml"
    if not file.exists():
        shutil.copytree(served.dataset.root, folder / "dataset")
        file.write_text(f"train: {{data: s3://cars/one, role: '{ROLE}', mini_batch_size: 1, 'yes': true}}\n")
    return ["run", str(file)]


def _train(served: Served, *words: str) -> list[str]:
    return ["jobs", "train", str(served.dataset.root), *_TRAIN, *words]


def _predict(served: Served, folder: Path, *words: str) -> list[str]:
    place = [str(served.dataset.root), "--out", str(folder / "predictions"), "--overwrite"]
    return ["jobs", "predict", NAME, *place, *words]


_LADDER = ("--name", "ladder", "--spot", "--instance-type", "ml.g5.2xlarge,ml.g4dn.2xlarge")
_TUNE = ("--range", "learning_rate=1e-3:1e-1", "--max-jobs", "1", "--parallel", "1", "--strategy", "random")
_LEASE = ("--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)
VERBS = (
    Verb("train", lambda served, _: _train(served)),
    Verb("train on one type after the other", lambda served, _: _train(served, *_LADDER)),
    Verb("tune", lambda served, _: ["jobs", "tune", str(served.dataset.root), *_TRAIN, *_TUNE]),
    Verb("run", _experiment),
    Verb("deploy", lambda _served, _: ["jobs", "deploy", NAME, "--yes"]),
    Verb("deploy with a lease", lambda _served, _: ["jobs", "deploy", NAME, "--yes", *_LEASE]),
    Verb("predict by batch", lambda served, folder: _predict(served, folder, "--via", "batch", "--yes"), leaves=False),
    Verb("predict by endpoint", lambda served, folder: _predict(served, folder, "--via", "endpoint"), _deployed),
    Verb("delete", lambda _served, _: ["jobs", "delete", NAME], _deployed, leaves=False),
    Verb(
        "leftovers --delete",
        lambda _served, _: ["jobs", "leftovers", "--delete", "--all", "--yes"],
        _deployed,
        leaves=False,
    ),
)


def try_all(*, short: bool) -> Iterator[Outcome]:
    """In short the creating requests alone, of two verbs; else each verb in one of two processes."""
    if short:
        with _service() as served:
            yield from (_try_verb(served, verb, short=True) for verb in VERBS if verb.what in _SHORT)
        return
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn"), max_tasks_per_child=1) as pool:
        yield from pool.map(_try_by_number, range(len(VERBS)))


def _try_by_number(number: int) -> Outcome:
    with _service() as served:
        return _try_verb(served, VERBS[number], short=False)


@contextmanager
def _service() -> Iterator[Served]:
    with TemporaryDirectory() as folder, _hurried(), served_job(Path(folder), train=_TRAINS) as served:
        yield served


@contextmanager
def _hurried() -> Iterator[None]:
    """Nothing is waited for, and a request is sent three times at most."""
    with pytest.MonkeyPatch.context() as patch:
        nap = SimpleNamespace(sleep=lambda _: None)
        patch.setattr("botocore.endpoint.time", nap)
        patch.setattr("jobs.endpoints.invocations.sleep", lambda _: None)
        patch.setattr("jobs.emulator.keys.new_keys", lambda: KEYS)
        patch.setattr("formats.parallel.available_cores", lambda: 1)
        patch.setattr(
            "jobs.training.upload.make_s3_lister", partial(clients.make_client, "s3")
        )  # makes a session of its own
        retries = {"mode": "standard", "max_attempts": 3}
        patch.setattr(clients, "_CONFIG", clients._CONFIG.merge(Config(retries=retries)))
        yield


def _try_verb(served: Served, verb: Verb, *, short: bool) -> Outcome:
    since, tried = monotonic(), 0
    faults: list[str] = []
    line = Line(served.folder / "tries" / "0" / "home")
    with _place_for_try(served, verb, line) as folder, on_the_line(line):
        ran = _run(*verb.words(served, folder))
    if ran.exit_code:
        faults.append(f"{verb.what}, undisturbed: {_end_of(ran)}")
    operations = [(operation, nth) for operation in dict.fromkeys(line.asked) for nth in (1, 2)]
    asked = [(operation, nth) for operation, nth in operations if line.asked.count(operation) >= nth]
    _settle(served)
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
        session = _Session()
        patch.setattr(clients, "_session", lambda: session)
        write_record(served.record)
        verb.before(served, folder)
        yield folder


class _Session:
    """In the place of boto3's session, a client of which takes longer to make than several requests."""

    def __init__(self) -> None:
        self._session, self._made = clients._session(), dict[str, Any]()

    def client(self, service: str, **settings: Any) -> Any:
        wanted = f"{service} {settings['region_name']} {settings['config']._user_provided_options}"
        if wanted not in self._made:
            self._made[wanted] = self._session.client(service, **settings)
        return self._made[wanted]


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
        _await_changes(served)
        second = _run(*words)
        found += [f"{where}, then again: {problem}" for problem in _wrong_after(served, verb, first, second)]
    _settle(served)
    return found


def _first(words: list[str]) -> Result | None:
    """None where the process is gone."""
    try:
        return _run(*words)
    except KilledError:
        return None


def _wrong_end(ran: Result | None) -> Iterator[str]:
    if ran is not None and not isinstance(ran.exception, SagesegError | SystemExit | None):
        yield f"{type(ran.exception).__name__}: {ran.exception}"


def _end_of(ran: Result) -> str:
    return str(ran.exception or ran.exit_code)


def _unknown(served: Served) -> Iterator[str]:
    """What is there and neither in a record nor among the leftovers."""
    place = open_place("aws", served.record.region)
    listed = {(one.kind, one.name) for one in find_leftovers(place, utc_now() + timedelta(days=1))}
    recorded = {*record_names(), *(record.name for record in endpoint_records()), *(one.name for one in batches())}
    for kind, name, status in _there(served):
        known = name in recorded or any(name.startswith(f"{one}-") for one in recorded if read_is_tuning(one))
        if status in _ENDED:  # costs no more; its record tells of it
            if not known and kind != "transform job":
                yield f"{kind} {name} is in no record"
        elif (kind, name) not in listed:
            yield f"{kind} {name} ({status}) is not among the leftovers"


def read_is_tuning(name: str) -> bool:
    return name in record_names() and read_record(name).is_tuning


def _there(served: Served) -> list[tuple[str, str, str]]:
    """Kind, name and status of all that is at the service beside the trained job."""
    sagemaker, scheduler = served.sagemaker(), served.scheduler()
    listed: tuple[tuple[str, str, str, str], ...] = (
        ("training job", "list_training_jobs", "TrainingJobSummaries", "TrainingJob"),
        (
            "tuning job",
            "list_hyper_parameter_tuning_jobs",
            "HyperParameterTuningJobSummaries",
            "HyperParameterTuningJob",
        ),
        ("transform job", "list_transform_jobs", "TransformJobSummaries", "TransformJob"),
        ("endpoint", "list_endpoints", "Endpoints", "Endpoint"),
        ("configuration", "list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
        ("model", "list_models", "Models", "Model"),
    )
    found = [
        (kind, str(one[f"{member}Name"]), str(one.get(f"{member}Status", "")))
        for kind, call, where, member in listed
        for one in getattr(sagemaker, call)()[where]
    ]
    found += [("schedule", str(one["Name"]), "") for one in scheduler.list_schedules()["Schedules"]]
    used = {name for kind, name, _ in found if kind == "endpoint"}
    apart = [(kind, name) for kind, name, _ in found if kind in ("configuration", "model") and name in used]
    return [one for one in found if one[1] != NAME or one[0] != "training job" if one[:2] not in apart]


def _wrong_after(served: Served, verb: Verb, first: Result | None, second: Result) -> Iterator[str]:
    """What is wrong when the same command has run again, undisturbed."""
    if second.exception is not None and not any(words in str(second.exception) for words in _KNOWN):
        gone = verb.what == "delete" and "no endpoint of that name" in str(second.exception)
        if not gone:
            yield _end_of(second)
    yield from _unknown(served)
    there = _there(served)
    for kind in ("training job", "tuning job", "endpoint"):
        names = [name for one, name, _ in there if one == kind and not (kind == "training job" and verb.what == "tune")]
        if len(names) > 1 and not _was_told(first, names):
            yield f"{len(names)} {kind}s: {', '.join(sorted(names))}"
        if verb.leaves and kind in verb.what and not names:
            yield f"no {kind}"
    running = [f"{kind} {name}" for kind, name, status in there if kind == "transform job" and status not in _ENDED]
    if running:
        yield f"{', '.join(running)} goes on"
    _await_changes(served)
    # what is free and new is among the leftovers a quarter of an hour later
    free = () if verb.what == "delete" else ("configuration", "model")
    kept = [one for one in _there(served) if one[0] not in (*free, "transform job") and one[2] not in _ENDED]
    if kept and not verb.leaves:
        yield f"{', '.join(f'{kind} {name}' for kind, name, _ in kept)} is left"


def _was_told(first: Result | None, names: list[str]) -> bool:
    """Whether the first call said of one of these that it goes on: then a second is a person's will."""
    return first is not None and any(f"{name} goes on" in first.stderr or name in first.stdout for name in names)


def _await_changes(served: Served) -> None:
    sagemaker = served.sagemaker()
    changing = ("Creating", "Deleting")
    wait_until(lambda: not any(one["EndpointStatus"] in changing for one in sagemaker.list_endpoints()["Endpoints"]))


def _settle(served: Served) -> None:
    """Nothing is left but the trained job."""
    sagemaker = served.sagemaker()
    _await_changes(served)
    served.settle()
    _await_changes(served)
    for member, call in (
        ("HyperParameterTuningJob", "hyper_parameter_tuning_job"),
        ("TrainingJob", "training_job"),
        ("TransformJob", "transform_job"),
    ):
        listing = partial(_others, sagemaker, member, call)
        wait_until(partial(_are_over, listing))
        for name in listing() if member != "TransformJob" else ():
            getattr(sagemaker, f"delete_{call}")(**{f"{member}Name": name})


def _others(sagemaker: Any, member: str, call: str) -> dict[str, str]:
    """Status by name of all jobs of a kind but the trained one."""
    found = getattr(sagemaker, f"list_{call}s")()[f"{member}Summaries"]
    return {one[f"{member}Name"]: one[f"{member}Status"] for one in found if one[f"{member}Name"] != NAME}


def _are_over(listing: Callable[[], dict[str, str]]) -> bool:
    return all(status in _ENDED for status in listing().values())

"""What a run of MLflow holds of a job: pure functions of its record and of what its backend tells of it.

    parameters  hyperparameters, as they were sent
    metrics     of each epoch; the scores of a report; cost and seconds
    tags        what is needed to find and repeat the job

A run is found again by the tag `KEY`, so that the same command twice leaves one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from formats.texts.redaction import redact_values
from formats.texts.told_scores import ToldScore
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.hyperparameters import without_the_services
from jobs.contract.instances import running_on
from jobs.contract.training_request import validates_on_train
from jobs.cost.estimates import THIS_MACHINE
from jobs.cost.spent import billed_usd
from jobs.tracking.job_calls import FoundJob
from jobs.tracking.records import JobRecord
from jobs.tracking.tuning_ranking import TunedJob, best
from jobs.tracking.tuning_records import objective_of

KEY = "sageseg.key"
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
_STATUSES: dict[str, Status] = {"Completed": "FINISHED", "Failed": "FAILED", "Stopped": "KILLED"}
"""MLflow's words for the service's; a job that has not ended is running."""
_LARGEST = 32 * 2**20
"""Bytes of a file that is sent to the server; where a larger one lies is told in a tag."""
_MOST_LETTERS = 250
"""Of a metric's name (MLflow, `MAX_ENTITY_KEY_LENGTH`)."""
_EPOCH = re.compile(r"(train|validation)_(.+)")


@dataclass(frozen=True)
class Measured:
    """One value of a metric. `step` is an epoch, counted from 0, or None for what there is one value of; `at` is in ms
    since 1970."""

    name: str
    value: float
    at: int
    step: int | None = None


@dataclass(frozen=True)
class KeptFile:
    """A file that goes to the run, into a folder of it; "" is its top."""

    path: Path
    folder: str = ""


@dataclass(frozen=True)
class RunFacts:
    """All that a run is to hold. `started` and `ended` are ms since 1970, `ended` None while the job runs. `run_id` is
    the run that AWS made for the job, empty where it tells of none."""

    key: str
    name: str
    status: Status
    started: int
    ended: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[Measured, ...] = ()
    files: tuple[KeptFile, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class Report:
    """A report as a run holds it: its scores, the files that are kept of it, and where it lies."""

    folder: Path
    scores: tuple[ToldScore, ...]
    files: tuple[Path, ...] = ()


def job_key(record: JobRecord, description: Mapping[str, Any]) -> str:
    """What no other job has: on this machine names are free again, and every machine has a job `first`."""
    arn = description[f"{record.call.member}Arn"]
    return f"{arn} {description['CreationTime'].astimezone(UTC).isoformat(timespec='milliseconds')}"


def training_facts(found: FoundJob, epochs: Iterable[Mapping[str, Any]], now: datetime) -> RunFacts:
    """The run of a training job. `epochs` are its metrics by name, as `EpochMetrics` are as a mapping."""
    record, description = found.record, found.description
    usd = billed_usd(description, record.cost_on(description).get("usd_per_hour"))
    facts = _facts(found, description.get("TrainingEndTime"), usd)
    on_train = validates_on_train(description)
    seconds = description.get("BillableTimeInSeconds")
    totals = {"billed_seconds": seconds, "cost_usd": usd}
    at = facts.ended or _ms(now)
    artefact = str(description.get("ModelArtifacts", {}).get("S3ModelArtifacts") or "")
    return replace(
        facts,
        params=dict(without_the_services(description.get("HyperParameters", {}))),
        metrics=(
            *_epoch_metrics(list(epochs), facts.started, at, on_train=on_train),
            *(Measured(name, float(value), at) for name, value in totals.items() if value is not None),
        ),
        files=tuple(_artefact_file(artefact)),
        run_id=str(description.get("MlflowDetails", {}).get("MlflowRunId", "")),
    )


def tuning_facts(found: FoundJob, jobs: Sequence[TunedJob], usd: float | None, now: datetime) -> RunFacts:
    """The run of a tuning job, whose training jobs have runs below it. `usd` is what they cost together."""
    record, description = found.record, found.description
    facts = _facts(found, description.get("HyperParameterTuningEndTime"), usd)
    config = record.request["HyperParameterTuningJobConfig"]
    definition = record.request["TrainingJobDefinition"]
    first, at = best(jobs), facts.ended or _ms(now)
    told = [] if first is None or first.objective is None else [(_slashed(objective_of(record)), first.objective)]
    told += [] if usd is None else [("cost_usd", usd)]
    return replace(
        facts,
        params={
            **definition.get("StaticHyperParameters", {}),
            **{f"range.{name}": text for name, text in _ranges(config.get("ParameterRanges", {}))},
            "strategy": config["Strategy"],
            "objective": objective_of(record),
        },
        tags={**facts.tags, **({} if first is None else {"sageseg.best": first.name})},
        metrics=tuple(Measured(name, value, at) for name, value in told),
    )


def with_report(facts: RunFacts, report: Report, now: datetime) -> RunFacts:
    """The run with a report's scores, each with the ends of its interval, and its small files."""
    scores = tuple(Measured(name, value, _ms(now)) for name, value in _score_metrics(report.scores))
    files = tuple(KeptFile(path, "report") for path in report.files if path.stat().st_size <= _LARGEST)
    tags = {**facts.tags, "sageseg.report": str(report.folder.absolute())}
    return replace(facts, tags=tags, metrics=(*facts.metrics, *scores), files=(*facts.files, *files))


def _facts(found: FoundJob, ended: datetime | None, usd: float | None) -> RunFacts:
    record, description = found.record, found.description
    status = _STATUSES.get(found.status, "RUNNING")
    return RunFacts(
        key=job_key(record, description),
        name=record.name,
        status=status,
        started=_ms(description["CreationTime"]),
        ended=_ms(ended or description["LastModifiedTime"]) if status != "RUNNING" else None,
        params={},
        tags=_tags(found, usd),
    )


def _tags(found: FoundJob, usd: float | None) -> dict[str, str]:
    record, description = found.record, found.description
    training = description.get("TrainingJobDefinition", description)
    machine = THIS_MACHINE if record.backend == "local" else running_on(training.get("ResourceConfig", {}))
    told = {
        KEY: job_key(record, description),
        "sageseg.job": record.name,
        "sageseg.arn": description[f"{record.call.member}Arn"],
        "sageseg.status": found.status,
        "sageseg.reason": description.get("FailureReason"),
        "sageseg.backend": record.backend,
        "sageseg.region": record.region,
        "sageseg.machine": machine,
        "sageseg.image": training.get("AlgorithmSpecification", {}).get("TrainingImage"),
        "sageseg.dataset": Path(record.dataset).name,
        "sageseg.dataset_sha256": record.dataset_sha256,
        "sageseg.artefact": description.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        "sageseg.cost_usd": None if usd is None else f"{usd:.4f}",
        "sageseg.command": shlex.join(["sageseg", "jobs", *record.command]) if record.command else None,
        "sageseg.tool_version": record.tool_version,
        "sageseg.git_commit": record.git_commit,
        "mlflow.source.name": "sageseg",
        "mlflow.source.type": "JOB",
        "mlflow.source.git.commit": record.git_commit,  # by these MLflow's own page shows it
    }
    hidden: dict[str, str] = redact_values({name: str(value) for name, value in told.items() if value})
    return hidden


def _epoch_metrics(
    epochs: Sequence[Mapping[str, Any]], started: int, until: int, *, on_train: bool
) -> Iterator[Measured]:
    """Each epoch's metrics; nobody tells when an epoch ended, so that they are told evenly over the job's time."""
    for number, epoch in enumerate(epochs, start=1):
        at = started + (until - started) * number // len(epochs)
        for name, value in epoch.items():
            found = _EPOCH.fullmatch(name)
            if found and value is not None:
                kind = "training" if on_train and found[1] == "validation" else found[1]
                yield Measured(f"{kind}/{found[2]}", float(value), at, int(epoch["epoch"]))


def _score_metrics(scores: Iterable[ToldScore]) -> Iterator[tuple[str, float]]:
    """Names that MLflow takes, each once: `report/mean_iou`, `report/iou/car`, `report/iou/car.low`."""
    taken = set[str]()
    for score in scores:
        metric, dot, of = score.name.partition(".")
        base = f"report/{metric}/{metric_word(of)}" if dot else f"report/{metric_word(metric)}"
        name = next(each for each in _numbered(base) if taken.isdisjoint(_with_ends(each)))
        taken.update(_with_ends(name))
        values = (score.value, score.low, score.high)
        yield from ((each, value) for each, value in zip(_with_ends(name), values, strict=True) if value is not None)


def _with_ends(name: str) -> tuple[str, str, str]:
    """A score's name, and those of the ends of its interval."""
    return name, f"{name}.low", f"{name}.high"


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def metric_word(text: str) -> str:
    """A class's name as a part of a metric's: MLflow takes letters, digits and `_-. ` there, and no part that a path
    would lose, as `.` and `..` are."""
    word = re.sub(r"[^\w.\- ]", "-", text)[: _MOST_LETTERS - 40]
    return "-" if not word.strip(".") else word


def _slashed(name: str) -> str:
    return name.replace(":", "/")


def _ranges(ranges: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a tuning varies, as its option is typed."""
    for kind in ("ContinuousParameterRanges", "IntegerParameterRanges"):
        for each in ranges.get(kind, ()):
            yield each["Name"], f"{each['MinValue']}:{each['MaxValue']}"
    for each in ranges.get("CategoricalParameterRanges", ()):
        yield each["Name"], ",".join(each["Values"])


def _artefact_file(uri: str) -> Iterator[KeptFile]:
    """An artefact of this machine, which nobody else reaches; one in S3 stays there."""
    if is_file_uri(uri):
        path = file_uri_path(uri)
        if path.is_file() and path.stat().st_size <= _LARGEST:
            yield KeptFile(path)


def _ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)

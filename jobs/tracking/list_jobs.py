"""This project's jobs, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from aws.clients import aws_errors, make_client
from aws.names import DATASET_TAG, PROCESS_TAG
from formats.state_home import home
from formats.texts.wording import format_columns
from jobs.backends import LOCAL_REGION
from jobs.backends import make_client as local_client
from jobs.contract.statuses import ENDED
from jobs.tracking.job_calls import training_jobs_of
from jobs.tracking.records import JobRecord, Kind, record_names

_PAGE = 100
_ASKED_AT_ONCE = 8
_TRAININGS = ("list_training_jobs", "TrainingJob")
_PROCESSINGS = ("list_processing_jobs", "ProcessingJob")
_TUNINGS = ("list_hyper_parameter_tuning_jobs", "HyperParameterTuningJob")


@dataclass(frozen=True)
class ListedJob:
    """One line of the list. `created` has a time zone; `secondary` says of a tuning job how many of
    its training jobs are done."""

    name: str
    backend: str
    status: str
    secondary: str
    created: datetime
    kind: Kind | Literal["processing"] = "training"


def local_jobs(records: Iterable[JobRecord]) -> list[ListedJob]:
    """The jobs of these records that run on this machine's emulator, newest first.

    It is asked only while one may be at work: of all others their records tell the end.
    """
    records = [record for record in records if record.backend == "local"]
    over = [record for record in records if _tells_its_end(record.description)]
    found = [_listed(record.description, "local") for record in over]
    if len(over) < len(records):
        found += _asked_here([record for record in records if record not in over])
    if (home() / "emulator" / "processing-jobs").is_dir():  # they have no records
        client = local_client("sagemaker", "local", LOCAL_REGION)
        with aws_errors("listing processing jobs"):
            found += [_listed_processing(job, "local") for job in _summaries(client, *_PROCESSINGS)]
    return _newest_first(found)


def _tells_its_end(description: dict[str, Any]) -> bool:
    told = {"TrainingJobName", "CreationTime"} <= description.keys()
    return told and description.get("TrainingJobStatus") in ENDED


def _asked_here(records: list[JobRecord]) -> Iterator[ListedJob]:
    """What the emulator says of these jobs, and of the training jobs of those that are tuning jobs."""
    client = local_client("sagemaker", "local", LOCAL_REGION)
    with aws_errors("listing jobs"):
        trainings = {job["TrainingJobName"]: job for job in _summaries(client, *_TRAININGS)}
        tunings = {job["HyperParameterTuningJobName"]: job for job in _summaries(client, *_TUNINGS)}
    for record in records:
        summary = (tunings if record.is_tuning else trainings).get(record.name)
        if summary is None:
            yield _lost(record)
        elif record.is_tuning:
            yield _listed_tuning(summary, "local")
            yield from (_listed(trainings[job.name], "local") for job in training_jobs_of(record))
        else:
            yield _listed(summary, "local")


def _lost(record: JobRecord) -> ListedJob:
    """A job whose record is here, and which the emulator does not know: it never came to that, or the emulator's state
    was removed."""
    step = "begun, and never started" if record.is_begun else "the emulator has lost it"
    created = datetime.fromisoformat(record.created) if record.created else datetime.fromtimestamp(0, UTC)
    return ListedJob(record.name, "local", "Unknown", step, created, record.kind)


def listing(jobs: Sequence[ListedJob]) -> list[str]:
    """The jobs as lines of a table, under headings."""
    cells = [["name", "status", "step", "backend", "created (UTC)"]]
    cells += [
        [job.name, job.status, job.secondary, job.backend, f"{job.created.astimezone(UTC):%Y-%m-%d %H:%M}"]
        for job in jobs
    ]
    return format_columns(cells) if jobs else []


def aws_jobs(region: str, now: datetime, days: int) -> list[ListedJob]:
    """This project's jobs at AWS of the last days, newest first: those of this folder and those that
    carry the project's tag, wherever they were started. A tuning job's tags are its training jobs' too."""
    client = make_client("sagemaker", region)
    since = now - timedelta(days=days)
    with aws_errors("listing training jobs"):
        jobs = _ours(client, *_TRAININGS, since)
        found = [_listed(job, "aws") for job in jobs]
    with aws_errors("listing tuning jobs"):
        tunings = _ours(client, *_TUNINGS, since)
        found += [_listed_tuning(job, "aws") for job in tunings]
    with aws_errors("listing processing jobs"):
        found += [_listed_processing(job, "aws") for job in _ours(client, *_PROCESSINGS, since, PROCESS_TAG)]
    return _newest_first(found)


def _ours(client: Any, operation: str, kind: str, since: datetime, tag: str = DATASET_TAG) -> list[dict[str, Any]]:
    """The summaries of this project's jobs of a kind, of all pages. Only its tags tell whose a job is that was not
    started here, and those are asked for one job at a time."""
    recorded = set(record_names())
    summaries = list(_summaries(client, operation, kind, CreationTimeAfter=since))
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        ours = pool.map(
            lambda job: job[f"{kind}Name"] in recorded or _is_tagged(client, job[f"{kind}Arn"], tag), summaries
        )
        return [job for job, is_ours in zip(summaries, ours, strict=True) if is_ours]


def _summaries(client: Any, operation: str, kind: str, **asked: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**asked, PaginationConfig={"PageSize": _PAGE}):
        yield from page[f"{kind}Summaries"]


def _is_tagged(client: Any, arn: str, key: str) -> bool:
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return any(tag["Key"] == key for page in pages for tag in page["Tags"])


def _listed(described: dict[str, Any], backend: str) -> ListedJob:
    status = described["TrainingJobStatus"]
    return ListedJob(
        described["TrainingJobName"],
        backend,
        status,
        described.get("SecondaryStatus", status),
        created if isinstance(created := described["CreationTime"], datetime) else datetime.fromisoformat(created),
    )


def _listed_tuning(described: dict[str, Any], backend: str) -> ListedJob:
    counters = described["TrainingJobStatusCounters"]
    failed = counters.get("RetryableError", 0) + counters.get("NonRetryableError", 0)
    running = counters.get("InProgress", 0)
    return ListedJob(
        described["HyperParameterTuningJobName"],
        backend,
        described["HyperParameterTuningJobStatus"],
        f"tuning: {counters.get('Completed', 0)} done, {running} running, {failed} failed",
        described["CreationTime"],
        "tuning",
    )


def _listed_processing(described: dict[str, Any], backend: str) -> ListedJob:
    status, name = described["ProcessingJobStatus"], described["ProcessingJobName"]
    return ListedJob(name, backend, status, "processing", described["CreationTime"], "processing")


def _newest_first(jobs: Iterable[ListedJob]) -> list[ListedJob]:
    return sorted(jobs, key=lambda job: job.created, reverse=True)

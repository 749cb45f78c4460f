"""This project's jobs, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws.clients import aws_errors, make_client
from aws.names import DATASET_TAG
from jobs.tracking.job_calls import describe, training_jobs_of
from jobs.tracking.records import JobRecord, Kind, read_record, record_names
from jobs.tracking.tuning_records import bare_record

_PAGE = 100


@dataclass(frozen=True)
class ListedJob:
    """One line of the list. `created` has a time zone; `secondary` says of a tuning job how many of
    its training jobs are done."""

    name: str
    backend: str
    status: str
    secondary: str
    created: datetime
    kind: Kind = "training"


def local_jobs() -> list[ListedJob]:
    """The jobs started from this folder on this machine's emulator, newest first."""
    records = [record for record in map(read_record, record_names()) if record.backend == "local"]
    return _newest_first(job for record in records for job in _local_jobs_of(record))


def _local_jobs_of(record: JobRecord) -> Iterator[ListedJob]:
    if not record.is_tuning:
        yield _listed(describe(record), "local")
        return
    yield _listed_tuning(describe(record), "local")
    for job in training_jobs_of(record):
        yield _listed(describe(bare_record(job.name, record)), "local")


def aws_jobs(region: str, now: datetime, days: int) -> list[ListedJob]:
    """This project's jobs at AWS of the last days, newest first: those of this folder and those that
    carry the project's tag, wherever they were started. A tuning job's tags are its training jobs' too."""
    client = make_client("sagemaker", region)
    since = now - timedelta(days=days)
    with aws_errors("listing training jobs"):
        jobs = _ours(client, "list_training_jobs", "TrainingJob", since)
        found = [_listed(job, "aws") for job in jobs]
    with aws_errors("listing tuning jobs"):
        tunings = _ours(client, "list_hyper_parameter_tuning_jobs", "HyperParameterTuningJob", since)
        found += [_listed_tuning(job, "aws") for job in tunings]
    return _newest_first(found)


def _ours(client: Any, operation: str, kind: str, since: datetime) -> list[dict[str, Any]]:
    """The summaries of this project's jobs of a kind, of all pages."""
    recorded = set(record_names())
    pages = client.get_paginator(operation).paginate(CreationTimeAfter=since, PaginationConfig={"PageSize": _PAGE})
    summaries = [summary for page in pages for summary in page[f"{kind}Summaries"]]
    return [job for job in summaries if job[f"{kind}Name"] in recorded or _is_tagged(client, job[f"{kind}Arn"])]


def _is_tagged(client: Any, arn: str) -> bool:
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return any(tag["Key"] == DATASET_TAG for page in pages for tag in page["Tags"])


def _listed(described: dict[str, Any], backend: str) -> ListedJob:
    status = described["TrainingJobStatus"]
    return ListedJob(
        described["TrainingJobName"],
        backend,
        status,
        described.get("SecondaryStatus", status),
        described["CreationTime"],
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


def _newest_first(jobs: Iterable[ListedJob]) -> list[ListedJob]:
    return sorted(jobs, key=lambda job: job.created, reverse=True)

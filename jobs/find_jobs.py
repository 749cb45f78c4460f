"""Finding this project's jobs, those of other machines too.

A job at AWS carries the dataset's digest as a tag, and its record lies beside its artefact as
`<output>/<job>/job.json`, so that class names and provenance are known wherever it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from jobs.clients import aws_errors, configured_region, make_client
from jobs.records import JobRecord, format_record, home, parse_record, read_record, record_names, record_path
from jobs.s3_places import S3Prefix, parse_s3_uri
from jobs.sending import encryption
from jobs.train import DATASET_TAG
from jobs.watch import describe

_PAGE = 100


@dataclass(frozen=True)
class ListedJob:
    """One line of the list. `created` has a time zone."""

    name: str
    backend: str
    status: str
    secondary: str
    created: datetime


def publish_record(record: JobRecord) -> None:
    """Put a job's record beside its artefact, where it is in S3. What hinders that is only said: the
    job runs all the same."""
    place = _record_place(record.request["OutputDataConfig"]["S3OutputPath"], record.name)
    if place is None:
        return
    key = record.request["OutputDataConfig"].get("KmsKeyId")
    try:
        with aws_errors(f"putting {place.uri()}"):
            make_client("s3", "aws", record.region).put_object(
                Bucket=place.bucket, Key=place.prefix, Body=format_record(record).encode(), **encryption(key)
            )
    except SagesegError as e:
        say(f"warning: {e}; other machines will not know this job's classes")


def _record_place(output_uri: str, name: str) -> S3Prefix | None:
    if not output_uri.startswith("s3://"):
        return None
    output = parse_s3_uri(output_uri)
    return S3Prefix(output.bucket, f"{output.prefix}{name}/job.json")


def find_record(name: str, region: str | None = None) -> JobRecord:
    """The record of a job of this folder, or of one that another machine started at AWS."""
    if record_path(name).exists():
        return read_record(name)
    try:
        where = configured_region(region)
    except SagesegError:
        return read_record(name)  # nothing to ask: says that there is none
    bare = JobRecord(name, "aws", where, "", "", [], {})
    try:
        description = describe(bare)
    except SagesegError as e:
        raise SagesegError(f"{name}: no job of that name under {home()}, nor at AWS in {where} ({e})") from e
    return _fetch_record(description, where)


def _fetch_record(description: dict[str, Any], region: str) -> JobRecord:
    name = description["TrainingJobName"]
    place = _record_place(description["OutputDataConfig"]["S3OutputPath"], name)
    if place is None:
        raise SagesegError(f"{name}: its output is not in S3, so its record cannot be had; look from where it started")
    with aws_errors(f"fetching {place.uri()}, the job's record"):
        answer = make_client("s3", "aws", region).get_object(Bucket=place.bucket, Key=place.prefix)
        text = answer["Body"].read().decode("utf-8", errors="replace")
    return parse_record(text, place.uri())


def local_jobs() -> list[ListedJob]:
    """The jobs started from this folder on this machine's emulator, newest first."""
    records = [record for record in map(read_record, record_names()) if record.backend == "local"]
    return _newest_first(_listed(describe(record), "local") for record in records)


def aws_jobs(region: str, now: datetime, days: int) -> list[ListedJob]:
    """This project's jobs at AWS of the last days, newest first: those of this folder and those that
    carry the project's tag, wherever they were started."""
    client = make_client("sagemaker", "aws", region)
    recorded = set(record_names())
    with aws_errors("listing training jobs"):
        pages = client.get_paginator("list_training_jobs").paginate(
            CreationTimeAfter=now - timedelta(days=days), PaginationConfig={"PageSize": _PAGE}
        )
        summaries = [summary for page in pages for summary in page["TrainingJobSummaries"]]
        ours = [job for job in summaries if job["TrainingJobName"] in recorded or _is_tagged(client, job)]
    return _newest_first(_listed(job, "aws") for job in ours)


def _is_tagged(client: Any, summary: dict[str, Any]) -> bool:
    pages = client.get_paginator("list_tags").paginate(ResourceArn=summary["TrainingJobArn"])
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


def _newest_first(jobs: Iterator[ListedJob]) -> list[ListedJob]:
    return sorted(jobs, key=lambda job: job.created, reverse=True)

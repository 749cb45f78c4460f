"""Finding this project's jobs, those of other machines too.

A job at AWS carries the dataset's digest as a tag, and its record lies beside its artefact as
`<output>/<job>/job.json`, so that class names and provenance are known wherever it is looked at. The
training jobs of a tuning job are found through its record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from jobs.aws.errors import AwsError
from jobs.aws.s3 import S3Prefix, parse_s3_uri
from jobs.backends import aws_errors, configured_region, make_client
from jobs.tracking.follow_training import describe
from jobs.tracking.records import (
    JobRecord,
    Kind,
    format_record,
    home,
    parse_record,
    read_record,
    record_names,
    record_path,
)
from jobs.tracking.tuning_records import (
    BEST,
    bare_record,
    best_record,
    check_no_tuning,
    describe_tuning,
    training_jobs_of,
    training_record,
    tuning_name,
)
from jobs.training.plan import DATASET_TAG
from jobs.training.upload_worker import encryption

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


def publish_record(record: JobRecord) -> None:
    """Put a job's record beside its artefact, where it is in S3. What hinders that is only said: the
    job runs all the same."""
    output = record.training["OutputDataConfig"]
    place = _record_place(output["S3OutputPath"], record.name)
    if place is None:
        return
    key = output.get("KmsKeyId")
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
    """The record of a training job of this folder, or of one that another machine started at AWS.

    Raises SagesegError for the name of a tuning job: it has neither a model nor a log.
    """
    return check_no_tuning(find_any(name, region))


def find_any(name: str, region: str | None = None) -> JobRecord:
    """The record of a training job or of a tuning job. `TUNING:best` is a tuning job's best training
    job so far."""
    if name.endswith(BEST):
        return best_record(find_any(name.removesuffix(BEST), region))
    if record_path(name).exists():
        return read_record(name)
    found = _tuned_here(name)
    if found:
        return found
    try:
        where = configured_region(region)
    except SagesegError:
        return read_record(name)  # nothing to ask: says that there is none
    return _find_at_aws(name, where)


def _tuned_here(name: str) -> JobRecord | None:
    """The record of a training job that a tuning job of this folder started: its name begins with
    the tuning job's."""
    tunings = [read_record(job) for job in record_names() if name.startswith(f"{job}-")]
    for tuning in tunings:
        if not tuning.is_tuning:
            continue
        try:
            description = describe(bare_record(name, tuning))
        except AwsError:
            continue  # there is none
        if tuning_name(description) == tuning.name:
            return training_record(tuning, description)
    return None


def _find_at_aws(name: str, region: str) -> JobRecord:
    bare = JobRecord(name, "aws", region, "", "", [], {})
    try:
        description = describe(bare)
    except AwsError as e:
        try:
            tuning = describe_tuning(bare)
        except SagesegError:
            raise _not_found(name, region, e) from e
        return _fetch_record(name, tuning["TrainingJobDefinition"], region)
    except SagesegError as e:
        raise _not_found(name, region, e) from e
    started_by = tuning_name(description)
    if started_by is None:
        return _fetch_record(name, description, region)
    return training_record(find_any(started_by, region), description)


def _not_found(name: str, region: str, error: SagesegError) -> SagesegError:
    return SagesegError(f"{name}: no job of that name under {home()}, nor at AWS in {region} ({error})")


def _fetch_record(name: str, definition: dict[str, Any], region: str) -> JobRecord:
    place = _record_place(definition["OutputDataConfig"]["S3OutputPath"], name)
    if place is None:
        raise SagesegError(f"{name}: its output is not in S3, so its record cannot be had; look from where it started")
    with aws_errors(f"fetching {place.uri()}, the job's record"):
        answer = make_client("s3", "aws", region).get_object(Bucket=place.bucket, Key=place.prefix)
        text = answer["Body"].read().decode("utf-8", errors="replace")
    return parse_record(text, place.uri())


def local_jobs() -> list[ListedJob]:
    """The jobs started from this folder on this machine's emulator, newest first."""
    records = [record for record in map(read_record, record_names()) if record.backend == "local"]
    return _newest_first(job for record in records for job in _local_jobs_of(record))


def _local_jobs_of(record: JobRecord) -> Iterator[ListedJob]:
    if not record.is_tuning:
        yield _listed(describe(record), "local")
        return
    yield _listed_tuning(describe_tuning(record), "local")
    for job in training_jobs_of(record):
        yield _listed(describe(bare_record(job.name, record)), "local")


def aws_jobs(region: str, now: datetime, days: int) -> list[ListedJob]:
    """This project's jobs at AWS of the last days, newest first: those of this folder and those that
    carry the project's tag, wherever they were started. A tuning job's tags are its training jobs' too."""
    client = make_client("sagemaker", "aws", region)
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

"""Finding this project's jobs, those of other machines too.

A job at AWS carries the dataset's digest as a tag, and its record lies beside its artefact as
`<output>/<job>/job.json`, so that class names and provenance are known wherever it is looked at. The
training jobs of a tuning job are found through its record.
"""

from __future__ import annotations

from typing import Any

from formats.console import say
from formats.errors import SagesegError
from formats.state_home import home
from jobs.aws.clients import configured_region, make_client
from jobs.aws.errors import AwsError, is_missing
from jobs.aws.s3 import S3Prefix, parse_s3_uri
from jobs.tracking.job_calls import FoundJob, describe
from jobs.tracking.records import RECORD, JobRecord, format_record, parse_record, read_record, record_names, record_path
from jobs.tracking.tuning_records import BEST, best_job, check_no_tuning, training_job, tuning_name


def publish_record(record: JobRecord) -> None:
    """Put a job's record beside its artefact, where it is in S3. What hinders that is only said: the
    job runs all the same."""
    output = record.training["OutputDataConfig"]
    folder = _record_folder(output["S3OutputPath"], record.name)
    if folder is None:
        return
    text = format_record(record)
    try:
        folder.put(make_client("s3", record.region), RECORD, text.encode(), kms_key=output.get("KmsKeyId"))
    except SagesegError as e:
        say(f"warning: {e}; other machines will not know this job's classes")


def _record_folder(output_uri: str, name: str) -> S3Prefix | None:
    return parse_s3_uri(f"{output_uri.rstrip('/')}/{name}") if output_uri.startswith("s3://") else None


def find_training(name: str, region: str | None = None) -> FoundJob:
    """A training job of this folder, or one that another machine started at AWS.

    Raises SagesegError for the name of a tuning job: it has neither a model nor a log.
    """
    return check_no_tuning(find_job(name, region))


def find_job(name: str, region: str | None = None) -> FoundJob:
    """A training job or a tuning job. `TUNING:best` is a tuning job's best training job so far."""
    if name.endswith(BEST):
        return best_job(find_job(name.removesuffix(BEST), region))
    if record_path(name).exists():
        return FoundJob(read_record(name))
    asked: _Asked = {}
    found = _tuned_here(name, asked)
    if found:
        return found
    try:
        where = configured_region(region)
    except SagesegError:
        return FoundJob(read_record(name))  # nothing to ask: says that there is none
    try:
        return _find_at_aws(name, where, asked)
    except AwsError as e:
        if is_missing(e):
            raise SagesegError(f"{name}: no job of that name under {home()}, nor at AWS in {where} ({e})") from e
        raise


_Asked = dict[tuple[str, str], dict[str, Any] | AwsError]
"""What each backend and region has said of a training job: its description, or that there is none."""


def _ask(name: str, backend: str, region: str, asked: _Asked) -> dict[str, Any]:
    """The description of a training job. Raises AwsError where there is none, or it may not be told."""
    place = (backend, region)
    if place not in asked:
        try:
            asked[place] = describe(JobRecord(name, backend, region, "", "", [], {}))
        except AwsError as e:
            asked[place] = e
    answer = asked[place]
    if isinstance(answer, AwsError):
        raise answer
    return answer


def _tuned_here(name: str, asked: _Asked) -> FoundJob | None:
    """A training job that a tuning job of this folder started: its name begins with the tuning job's."""
    tunings = [read_record(job) for job in record_names() if name.startswith(f"{job}-")]
    for tuning in tunings:
        if not tuning.is_tuning:
            continue
        try:
            description = _ask(name, tuning.backend, tuning.region, asked)
        except AwsError as e:
            if is_missing(e):
                continue
            raise
        if tuning_name(description) == tuning.name:
            return training_job(tuning, description)
    return None


def _find_at_aws(name: str, region: str, asked: _Asked) -> FoundJob:
    try:
        description = _ask(name, "aws", region, asked)
    except AwsError as e:
        if is_missing(e):
            return _find_tuning_at_aws(name, region)
        raise
    started_by = tuning_name(description)
    if started_by is None:
        return FoundJob(_fetch_record(name, description, region), description)
    return training_job(_find_tuning_at_aws(started_by, region).record, description)


def _find_tuning_at_aws(name: str, region: str) -> FoundJob:
    description = describe(JobRecord(name, "aws", region, "", "", [], {}, kind="tuning"))
    return FoundJob(_fetch_record(name, description["TrainingJobDefinition"], region), description)


def _fetch_record(name: str, definition: dict[str, Any], region: str) -> JobRecord:
    folder = _record_folder(definition["OutputDataConfig"]["S3OutputPath"], name)
    if folder is None:
        raise SagesegError(f"{name}: its output is not in S3, so its record cannot be had; look from where it started")
    content = folder.get(make_client("s3", region), RECORD)
    return parse_record(content.decode("utf-8", errors="replace"), folder.uri(RECORD))

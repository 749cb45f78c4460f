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
from jobs.aws.errors import AwsError
from jobs.aws.s3 import S3Prefix, parse_s3_uri
from jobs.tracking.job_calls import describe, describe_tuning
from jobs.tracking.records import RECORD, JobRecord, format_record, parse_record, read_record, record_names, record_path
from jobs.tracking.tuning_records import BEST, bare_record, best_record, check_no_tuning, training_record, tuning_name


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
    folder = _record_folder(definition["OutputDataConfig"]["S3OutputPath"], name)
    if folder is None:
        raise SagesegError(f"{name}: its output is not in S3, so its record cannot be had; look from where it started")
    content = folder.get(make_client("s3", region), RECORD)
    return parse_record(content.decode("utf-8", errors="replace"), folder.uri(RECORD))

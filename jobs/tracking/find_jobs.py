"""Finding this project's jobs, those of other machines too.

A job at AWS carries the dataset's digest as a tag, and its record lies beside its artefact as
`<output>/<job>/job.json`, so that class names and provenance are known wherever it is looked at. The
training jobs of a tuning job are found through its record.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from aws.clients import NoRegionError, aws_errors, configured_region, make_client
from aws.errors import AwsError, is_missing
from aws.s3 import S3Prefix, parse_s3_uri
from formats.console import say
from formats.errors import SagesegError
from formats.state_home import home
from jobs.backends import LOCAL_REGION, Place, emulator_was_here, open_place
from jobs.contract.tuning_request import MAX_NAME as MAX_TUNING_NAME
from jobs.creating import CreatingCall, described
from jobs.tracking.attempts import is_moved_on_from, last_attempt_at_aws, last_attempt_here
from jobs.tracking.job_calls import FoundJob, describe
from jobs.tracking.records import (
    RECORD,
    JobRecord,
    format_record,
    parse_record,
    read_record,
    readable_records,
    record_names,
    record_path,
)
from jobs.tracking.tuning_records import BEST, best_job, check_no_tuning, training_job, tuning_name

_OF_AWS = (("AlgorithmSpecification", "TrainingImage"), ("RoleArn",), ("OutputDataConfig", "KmsKeyId"))
"""By what a model is served later. Whoever may write into the bucket may change a record there, and must not by that
have a container of theirs run with the role of a job."""


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
    """A training job or a tuning job. `TUNING:best` is a tuning job's best training job so far. Of a
    job that was moved on to another instance type it is the last attempt, and that is said."""
    if name.endswith(BEST):
        return best_job(find_job(name.removesuffix(BEST), region))
    later = last_attempt_here(name)
    if later:
        return _told(name, FoundJob(later))
    if record_path(name).exists():
        return FoundJob(read_record(name))
    asked: _Asked = {}
    found = _tuned_here(name, asked)
    if found:
        return found
    try:
        where = configured_region(region)
    except NoRegionError:
        if refused := _refusal(name, asked):
            raise refused from None
        _check_no_endpoint(name)
        return FoundJob(read_record(name))  # nothing else to ask: says that there is none
    return _find_at_aws(name, where, asked)


def _told(name: str, later: FoundJob) -> FoundJob:
    kind = later.record.training["ResourceConfig"]["InstanceType"]
    say(f"note: {name} was moved on to {kind} and is {later.record.name} now")
    return later


_Asked = dict[tuple[str, str], dict[str, Any] | SagesegError]
"""What each backend and region has answered about a training job: its description, or why there is none."""


def _ask(name: str, backend: str, region: str, asked: _Asked) -> dict[str, Any] | SagesegError:
    place = (backend, region)
    if place not in asked:
        try:
            asked[place] = describe(JobRecord(name, backend, region, "", "", [], {}))
        except SagesegError as e:
            asked[place] = e
    return asked[place]


def _tuned_here(name: str, asked: _Asked) -> FoundJob | None:
    """A training job that a tuning job of this folder started: its name begins with the tuning job's.
    Where one cannot be asked about it, another may still know it."""
    for tuning in readable_records(job for job in record_names() if name.startswith(f"{job}-")):
        if not tuning.is_tuning:
            continue
        description = _ask(name, tuning.backend, tuning.region, asked)
        if not isinstance(description, SagesegError) and tuning_name(description) == tuning.name:
            return training_job(tuning, description)
    return None


def _find_at_aws(name: str, region: str, asked: _Asked) -> FoundJob:
    description = _ask(name, "aws", region, asked)
    if isinstance(description, SagesegError):
        found = _tuning_at_aws(name, region) or _later(name, region) if is_missing(description) else None
        if found is None:
            _check_no_endpoint(name, region if is_missing(description) else None)
            raise _not_found(name, region, asked) from description
        return found
    if is_moved_on_from(description.get("FailureReason", "")):
        later = _later_training(name, region)
        if later:
            return later
    started_by = tuning_name(description)
    if started_by is None:
        return FoundJob(_fetch_record(name, description, region), description)
    tuning = _tuning_at_aws(started_by, region)
    if tuning is None:
        raise SagesegError(f"{name}: the tuning job {started_by} that started it is not at AWS in {region}")
    return training_job(tuning.record, description)


def _tuning_at_aws(name: str, region: str) -> FoundJob | None:
    """A tuning job, None where there is none of that name."""
    if len(name) > MAX_TUNING_NAME:  # AWS would refuse the question
        return None
    try:
        description = describe(JobRecord(name, "aws", region, "", "", [], {}, kind="tuning"))
    except AwsError as e:
        if is_missing(e):
            return None
        raise
    if is_moved_on_from(description.get("FailureReason", "")):
        later = _later_tuning(name, region)
        if later:
            return later
    return FoundJob(_fetch_record(name, description["TrainingJobDefinition"], region), description)


def _later(name: str, region: str) -> FoundJob | None:
    """The last attempt of a job whose first one AWS refused, so that nothing has its name."""
    return _later_training(name, region) or _later_tuning(name, region)


def _later_training(name: str, region: str) -> FoundJob | None:
    attempt = last_attempt_at_aws(name, region, "training")
    if attempt is None:
        return None
    description = describe(JobRecord(attempt, "aws", region, "", "", [], {}))
    return _told(name, FoundJob(_fetch_record(attempt, description, region), description))


def _later_tuning(name: str, region: str) -> FoundJob | None:
    attempt = last_attempt_at_aws(name, region, "tuning") if len(name) <= MAX_TUNING_NAME else None
    found = _tuning_at_aws(attempt, region) if attempt else None
    return _told(name, found) if found else None


def _not_found(name: str, region: str, asked: _Asked) -> SagesegError:
    """Where nobody knows a job, what kept somebody from answering goes before what was answered."""
    answer = asked["aws", region]
    nowhere = f"{name}: no job of that name under {home()}, nor at AWS in {region} ({answer})"
    return _refusal(name, asked) or SagesegError(nowhere)


def _check_no_endpoint(name: str, region: str | None = None) -> None:
    """Raise SagesegError where an endpoint has the name, which other verbs take."""
    for backend, where in _places(region):
        if status := _endpoint_status(name, backend, where):
            raise SagesegError(
                f"{name}: an endpoint ({status}), and no job; sageseg jobs leftovers tells of it, sageseg jobs delete "
                f"{name} ends it, and sageseg jobs predict takes its job's name with --endpoint {name}"
            )


def find_described(call: CreatingCall, name: str, region: str | None) -> tuple[Place, dict[str, Any]] | None:
    """What has no record by its name, at this folder's emulator or at AWS: where it is, and its description. None where
    none is found, or one may not ask."""
    with suppress(SagesegError):  # no region: there is the emulator alone
        region = configured_region(region)
    for backend, where in _places(region):
        with suppress(SagesegError):
            place = open_place(backend, where)
            found = described(place.sagemaker, call, name)
            if found:
                return place, found
    return None


def _places(region: str | None) -> list[tuple[str, str]]:
    """Backends that may know something, with their regions: the emulator, if one ever ran here, and AWS."""
    here = [("local", LOCAL_REGION)] if emulator_was_here() else []
    return [*here, *([("aws", region)] if region else [])]


def _endpoint_status(name: str, backend: str, region: str) -> str | None:
    """None where there is none, or one may not ask."""
    try:
        with aws_errors(f"describing endpoint {name}"):
            return str(open_place(backend, region).sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"])
    except SagesegError:
        return None


def _refusal(name: str, asked: _Asked) -> SagesegError | None:
    """What kept somebody from answering, None where all did."""
    for (backend, region), answer in asked.items():
        if isinstance(answer, SagesegError) and not is_missing(answer):
            whom = "the emulator" if backend == "local" else f"AWS in {region}"
            return SagesegError(f"{name}: no job of that name under {home()}, and {whom} cannot be asked ({answer})")
    return None


def _fetch_record(name: str, definition: dict[str, Any], region: str) -> JobRecord:
    folder = _record_folder(definition["OutputDataConfig"]["S3OutputPath"], name)
    if folder is None:
        raise SagesegError(f"{name}: its output is not in S3, so its record cannot be had; look from where it started")
    try:
        content = folder.get(make_client("s3", region), RECORD)
    except AwsError as e:
        if is_missing(e):
            where = f"is at AWS in {region}, but without its record {folder.uri(RECORD)}"
            raise SagesegError(f"{name}: {where}; look from where it was started") from e
        raise
    record = parse_record(content, folder.uri(RECORD))
    if record.name != name:
        raise SagesegError(f"{folder.uri(RECORD)}: the record of {record.name}, not of {name}; put its own back")
    wrong = next((names for names in _OF_AWS if _part(record.training, names) != _part(definition, names)), None)
    if wrong or (record.backend, record.region) != ("aws", region):
        what = wrong[-1] if wrong else "backend or region"
        raise SagesegError(f"{folder.uri(RECORD)}: another {what} than AWS tells of {name}; put its own back")
    return record


def _part(request: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        request = request.get(name) or {}
    return request or None

"""Forgetting a job of this folder: its record, and of a job of this machine all that it left.

    sageseg jobs forget cars

What is at AWS stays there: the job is in its lists for ever, and the artefact in its bucket.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aws.clients import aws_errors
from aws.errors import AwsError, is_missing
from aws.names import is_job_name
from formats.console import say
from formats.errors import SagesegError
from jobs.backends import LOCAL_REGION, emulator_was_here, make_client
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.statuses import ENDED
from jobs.creating import TRAINING, TUNING, CreatingCall, described
from jobs.endpoints.records import endpoint_records, read_endpoint
from jobs.tracking.job_calls import training_jobs_of
from jobs.tracking.records import JobRecord, Kind, forget_record, read_record, record_path

_KINDS: dict[Kind, CreatingCall] = {"training": TRAINING, "tuning": TUNING}


@dataclass(frozen=True)
class Forgetting:
    """A job that may be forgotten. `names` are the jobs that go at the emulator, a tuning job's training jobs too, and
    `folders` what goes of this machine's disk, as far as it is there."""

    record: JobRecord
    names: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    there: bool = False


def find_forgettable(name: str) -> Forgetting:
    """Raises SagesegError for what is no job of this folder, still runs, or is served by an endpoint."""
    if not is_job_name(name):
        raise SagesegError(f"{name}: no job could be called so; sageseg jobs list shows the jobs")
    if not record_path(name).exists() and read_endpoint(name):
        raise SagesegError(f"{name}: an endpoint; sageseg jobs delete {name} ends it, and forgets it")
    try:
        record = read_record(name)
    except SagesegError:
        if not record_path(name).exists():
            raise
        record = _in_place_of_damaged(name)
    found = (
        described(make_client("sagemaker", record.backend, record.region), record.call, name) if record.region else None
    )
    if found and (status := found[f"{record.call.member}Status"]) not in ENDED:
        ends = "wait for its end" if status == "Stopping" else f"sageseg jobs stop {name} ends it"
        raise SagesegError(f"{name}: {status}; {ends}, and then it can be forgotten")
    if record.backend == "aws":
        return Forgetting(record, there=found is not None)
    names = (*(job.name for job in training_jobs_of(record)), name) if found and record.is_tuning else (name,)
    _check_not_served(names)
    return Forgetting(record, names, tuple(_folders(record, names)), there=found is not None)


def _in_place_of_damaged(name: str) -> JobRecord:
    """As the emulator describes the job of a record that cannot be read; of another no more is known than its name."""
    for kind, call in _KINDS.items() if emulator_was_here() else ():
        if found := described(make_client("sagemaker", "local", LOCAL_REGION), call, name):
            return JobRecord(name, "local", LOCAL_REGION, "", "", [], found, kind=kind)
    say(f"note: the record of {name} is damaged, and goes; sageseg jobs leftovers tells of the job if it still runs")
    return JobRecord(name, "aws", "", "", "", [], {})


def _check_not_served(names: tuple[str, ...]) -> None:
    for endpoint in endpoint_records():
        if endpoint.job in names:
            raise SagesegError(
                f"{endpoint.job}: endpoint {endpoint.name} serves it; sageseg jobs delete {endpoint.name} ends that, "
                "and then it can be forgotten"
            )


def _folders(record: JobRecord, names: tuple[str, ...]) -> Iterator[Path]:
    """Where the artefacts are, and the checkpoints."""
    training = record.training
    places = [training["OutputDataConfig"]["S3OutputPath"]]
    whole = training.get("CheckpointConfig", {}).get("S3Uri")
    found = [file_uri_path(place) / name for place in places if is_file_uri(place) for name in names]
    found += [file_uri_path(whole)] if whole and is_file_uri(whole) else []
    yield from (folder for folder in found if folder.is_dir() and not folder.is_symlink())


def forget(job: Forgetting) -> Iterator[str]:
    """Forget it, telling of each part what became of it. The record goes last: what was cut off is done again."""
    record = job.record
    if record.backend == "local":
        for name in job.names:
            if _delete_here(record, name):
                yield f"job {name}: removed, with its log"
        for folder in job.folders:
            shutil.rmtree(folder)
            yield f"{folder}: removed"
    forget_record(record.name)
    kept = (
        f"; AWS in {record.region} keeps the job, and S3 its artefact" if record.backend == "aws" and job.there else ""
    )
    yield f"{record.name}: forgotten{kept}"


def _delete_here(record: JobRecord, name: str) -> bool:
    """Whether the emulator had the job."""
    client = make_client("sagemaker", "local", record.region)
    try:
        with aws_errors(f"removing job {name}"):
            if record.is_tuning and name == record.name:
                client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            else:
                client.delete_training_job(TrainingJobName=name)
    except AwsError as e:
        if is_missing(e):
            return False
        raise
    return True

"""Tuning jobs as their backend tells of them, and the records of their training jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aws.names import ATTEMPT_TAG
from formats.errors import SagesegError
from jobs.contract.hyperparameters import without_the_services
from jobs.tracking.job_calls import FoundJob, describe
from jobs.tracking.records import JobRecord
from jobs.tracking.tuning_ranking import TunedJob, best, describe_counts

BEST = ":best"
"""`NAME:best` is the best training job of the tuning job NAME so far."""
_OF_A_REQUEST = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
)
_OF_THE_COST = ("usd_per_hour", "source")


def most_jobs(record: JobRecord) -> int:
    """How many training jobs a tuning job may start."""
    return int(record.request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"])


def objective_of(record: JobRecord) -> str:
    """The metric that a tuning job maximises."""
    return str(record.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"])


def billed_seconds(record: JobRecord, jobs: Iterable[TunedJob]) -> int:
    """What the training jobs were billed for together. Only each one's own description says it."""
    descriptions = [describe(bare_record(job.name, record)) for job in jobs]
    return sum(description.get("BillableTimeInSeconds", 0) for description in descriptions)


def bare_record(name: str, tuning: JobRecord) -> JobRecord:
    """Enough of a training job's record to ask its backend for the job."""
    return JobRecord(name, tuning.backend, tuning.region, "", "", [], {})


def tuning_name(description: dict[str, Any]) -> str | None:
    """The tuning job that started a training job; None when a person did."""
    arn = description.get("TuningJobArn")
    return None if arn is None else str(arn).rpartition("/")[2]


def training_job(tuning: JobRecord, description: dict[str, Any]) -> FoundJob:
    """A tuning job's training job, as if it had been started alone: its description holds the request,
    the tuning job's record the dataset and the price."""
    request = {name: description[name] for name in _OF_A_REQUEST if name in description}
    request["HyperParameters"] = without_the_services(description.get("HyperParameters", {}))
    request["Tags"] = [tag for tag in tuning.request.get("Tags", []) if tag["Key"] != ATTEMPT_TAG]
    cost: dict[str, Any] = {name: tuning.cost[name] for name in _OF_THE_COST if name in tuning.cost}
    record = replace(
        tuning,
        name=description["TrainingJobName"],
        request=request,
        arn=description["TrainingJobArn"],
        cost=cost,
        description=description,
        epochs=[],
        kind="training",
    )
    return FoundJob(record, description)


def best_job(tuning: FoundJob) -> FoundJob:
    """The best training job so far. Raises SagesegError where none has succeeded."""
    record, name = tuning.record, tuning.record.name
    if not record.is_tuning:
        raise SagesegError(f"{name}{BEST}: {name} is a training job, not a tuning job; leave {BEST} out")
    jobs = tuning.training_jobs
    found = best(jobs)
    if found is not None:
        return training_job(record, describe(bare_record(found.name, record)))
    counts = describe_counts(jobs, most_jobs(record))
    if all(job.is_over for job in jobs) and tuning.description["HyperParameterTuningJobStatus"] != "InProgress":
        reason = next((f" ({job.name}: {job.reason.rstrip('.')})" for job in jobs if job.reason), "")
        raise SagesegError(
            f"{name}{BEST}: none of its training jobs succeeded, {counts}{reason}; sageseg jobs show {name} lists them"
        )
    raise SagesegError(
        f"{name}{BEST}: none of its training jobs has succeeded yet, {counts}; sageseg jobs logs {name} --follow waits"
    )


def check_no_tuning(found: FoundJob) -> FoundJob:
    """The job, when it is a training job. Raises SagesegError that names the training jobs else."""
    name = found.record.name
    if not found.record.is_tuning:
        return found
    jobs = found.training_jobs
    first = best(jobs)
    if first:
        which = f"{name}{BEST} ({first.name}) or another one"
    else:
        which = f"such as {jobs[0].name}" if jobs else "which it has yet to start"
    raise SagesegError(
        f"{name}: is a tuning job; name one of its training jobs, {which}; sageseg jobs show {name} lists them"
    )

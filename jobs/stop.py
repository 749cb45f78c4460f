"""Stopping a job."""

from __future__ import annotations

from jobs.backends import aws_errors, make_client
from jobs.tracking.records import JobRecord


def stop_job(record: JobRecord) -> None:
    """Ask for the job's end; what a training has learned so far is kept, and so is what a tuning
    job's training jobs have."""
    client = make_client("sagemaker", record.backend, record.region)
    with aws_errors(f"stopping {record.name}"):
        if record.is_tuning:
            client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=record.name)
        else:
            client.stop_training_job(TrainingJobName=record.name)

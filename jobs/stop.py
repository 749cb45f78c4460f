"""Stopping a training job."""

from __future__ import annotations

from jobs.clients import aws_errors, make_client
from jobs.records import JobRecord


def stop_job(record: JobRecord) -> None:
    """Ask for the job's end; what it has learned so far is kept."""
    client = make_client("sagemaker", record.backend, record.region)
    with aws_errors(f"stopping {record.name}"):
        client.stop_training_job(TrainingJobName=record.name)

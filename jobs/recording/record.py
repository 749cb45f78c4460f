"""A job written down at an MLflow server: its run, and of a tuning job one below it for each training job.

The same again adds what is new, and makes no second run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aws.errors import AwsError
from aws.names import utc_now
from formats.console import say
from formats.errors import SagesegError
from jobs.contract.log_lines import epoch_metrics
from jobs.cost.spent import usd_of
from jobs.recording.facts import Report, training_facts, tuning_facts, with_report
from jobs.recording.mlflow_server import MlflowServer, open_mlflow
from jobs.tracking.find_jobs import find_job
from jobs.tracking.job_calls import FoundJob, describe, log_lines
from jobs.tracking.tuning_records import bare_record, billed_seconds, training_job, tuning_name

Epochs = Sequence[Mapping[str, Any]]


def record_job(uri: str, found: FoundJob, report: Report | None = None) -> str:
    """Write down all that is known of a job, of a tuning job its training jobs too; the id of its run.

    Raises RecordError where the server does not take it, SagesegError for a report of a tuning job.
    """
    if report and found.record.is_tuning:
        name = found.record.name
        raise SagesegError(f"{name}: is a tuning job, and a report is of one model; name {name}:best")
    server = open_mlflow(uri)
    if found.record.is_tuning:
        return _record_tuning(server, found)
    return record_training(server, found, epochs_of(found), report)


def record_training(
    server: MlflowServer, found: FoundJob, epochs: Epochs, report: Report | None = None, parent: str = ""
) -> str:
    """Write down a training job; one that a tuning job started stands below that one's run."""
    started_by = tuning_name(found.description)
    if started_by and not parent:
        parent = _record_search(server, find_job(started_by, found.record.region))
    facts = training_facts(found, epochs, utc_now())
    return server.keep(with_report(facts, report, utc_now()) if report else facts, parent)


def record_begun(server: MlflowServer, found: FoundJob) -> str:
    """Write down a job that has just begun, and of which there is nothing to be read yet."""
    return _record_search(server, found) if found.record.is_tuning else record_training(server, found, ())


def _record_tuning(server: MlflowServer, found: FoundJob) -> str:
    run_id = _record_search(server, found)
    for job in found.training_jobs:
        child = training_job(found.record, describe(bare_record(job.name, found.record)))
        record_training(server, child, epochs_of(child), parent=run_id)
    return run_id


def _record_search(server: MlflowServer, found: FoundJob) -> str:
    """The run of a tuning job, without its training jobs."""
    jobs, rate = found.training_jobs, found.record.cost.get("usd_per_hour")
    ended = found.status != "InProgress"
    usd = usd_of(billed_seconds(found.record, jobs), rate) if ended and rate is not None else None
    return server.keep(tuning_facts(found, jobs, usd, utc_now()))


def epochs_of(found: FoundJob) -> Epochs:
    """The metrics of each epoch, by the record of a job that was followed to its end, else by its log; none, and a
    note, where that may not be read."""
    if found.record.epochs:
        return found.record.epochs
    try:
        return [asdict(metrics) for metrics in epoch_metrics(log_lines(found.record))]
    except AwsError as e:
        say(f"note: {e}; so its epochs are not recorded")
        return ()

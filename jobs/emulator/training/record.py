"""A training job's record, as DescribeTrainingJob answers it, and how it changes through its life.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from jobs.contract.log_lines import ANSI, METRIC_DEFINITIONS
from jobs.contract.statuses import ENDED, Ended
from jobs.emulator.host.storage import join_uri
from jobs.emulator.store import job_records
from jobs.emulator.store.collection import ResourceKind, without_tags
from jobs.emulator.store.log_files import Event
from jobs.emulator.store.state import Record

TRAINING_JOBS = ResourceKind(
    word="training-job",
    prefix="TrainingJob",
    listed="TrainingJobSummaries",
    missing=("ValidationException", "Requested resource not found."),
    taken=(
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, "
        "and a training job with this name already exists ({arn})",
    ),
    status_after_paging=True,
    noun="training job",
)
SPOT_SHARE = 0.3
"""What managed spot costs of the full price; AWS promises "up to 90 %" off, samples show about 70."""
DEFAULT_MAX_RUNTIME_SECONDS = 86_400
STATUS_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds provided",
    "Interrupted": "Training job interrupted: the managed spot instance was reclaimed",
}
Ending = Literal[Ended, "MaxRuntimeExceeded", "MaxWaitTimeExceeded"]
"""The last secondary status of a job."""


def new_record(request: Record, arn: str, now: float) -> Record:
    """The record of a job that was just accepted: the request with what the service adds."""
    algorithm = {
        "MetricDefinitions": [{"Name": name, "Regex": pattern} for name, pattern in METRIC_DEFINITIONS.items()],
        "EnableSageMakerMetricsTimeSeries": True,
        **request["AlgorithmSpecification"],
    }
    output_uri = request["OutputDataConfig"]["S3OutputPath"]
    record = {
        "StoppingCondition": {},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **without_tags(request),
        "AlgorithmSpecification": algorithm,
        "TrainingJobArn": arn,
        "ModelArtifacts": {"S3ModelArtifacts": join_uri(output_uri, request["TrainingJobName"], "output/model.tar.gz")},
        "TrainingJobStatus": "InProgress",
        "CreationTime": now,
        "SecondaryStatusTransitions": [],
    }
    record["StoppingCondition"] = {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_SECONDS, **record["StoppingCondition"]}
    _transition(record, "Starting", now)
    return record


def _transition(record: Record, secondary: str, now: float) -> None:
    transitions = record["SecondaryStatusTransitions"]
    if transitions:
        transitions[-1]["EndTime"] = now
    transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": STATUS_MESSAGES[secondary]})
    record["SecondaryStatus"] = secondary
    record["LastModifiedTime"] = now


def enter(record: Record, secondary: str, now: float) -> None:
    """Go on to a stage. A job that is being stopped only still uploads."""
    if record["TrainingJobStatus"] != "InProgress" and secondary != "Uploading":
        return
    if secondary == "Downloading":
        record.setdefault("TrainingStartTime", now)  # the documentation counts from the instances' start
        record["_AttemptStart"] = now
    if secondary == "Interrupted":
        _count_attempt(record, now)
    _transition(record, secondary, now)


def _count_attempt(record: Record, now: float) -> None:
    """Add the time of the attempt that ends now. Members with an underscore are never answered."""
    started = record.pop("_AttemptStart", None)
    if started is not None:
        record["_TrainedSeconds"] = record.get("_TrainedSeconds", 0.0) + now - started


def begin_stopping(record: Record, now: float) -> None:
    """Raises ServiceError for a job that is over, or stopping already."""
    job_records.begin_stopping(record, TRAINING_JOBS)
    _transition(record, "Stopping", now)


def finish(record: Record, ending: Ending, now: float, reason: str = "") -> None:
    """End a job; a limit of time that was exceeded leaves it Stopped."""
    if record["TrainingJobStatus"] == "Stopping":
        ending = "Stopped"
    status: Ended = next((known for known in ENDED if known == ending), "Stopped")
    job_records.end_job(record, TRAINING_JOBS, status, reason)
    _transition(record, ending, now)
    record["SecondaryStatusTransitions"][-1]["EndTime"] = now
    _count_attempt(record, now)
    if "TrainingStartTime" in record:
        seconds = max(math.ceil(record.get("_TrainedSeconds", 0.0)), 1)
        billed = max(math.ceil(seconds * SPOT_SHARE), 1) if record["EnableManagedSpotTraining"] else seconds
        record.update(TrainingEndTime=now, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=billed)


def metric_data(events: Iterable[Event], definitions: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """FinalMetricDataList of a log: each metric's last value, and when it was written."""
    patterns = {definition["Name"]: re.compile(definition["Regex"]) for definition in definitions}
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        line = ANSI.sub("", event.message)
        for name, pattern in patterns.items():
            value = _value(pattern.search(line))
            if value is not None:
                found[name] = {"MetricName": name, "Value": value, "Timestamp": event.timestamp / 1000}
    return list(found.values())


def _value(match: re.Match[str] | None) -> float | None:
    """The number in a pattern's first group; None for what is no finite number."""
    try:
        value = float(match[1]) if match else math.nan
    except (ValueError, IndexError, TypeError):
        return None
    return value if math.isfinite(value) else None

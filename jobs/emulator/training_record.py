"""A training job's record, as DescribeTrainingJob answers it, and how it changes through its life.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

from jobs.emulator.log_files import Event
from jobs.emulator.state import Record
from jobs.emulator.storage import join_uri
from jobs.log_lines import METRIC_DEFINITIONS, final_metrics

KIND = "training-job"
DEFAULT_MAX_RUNTIME_SECONDS = 86_400
MAX_REASON = 1024
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
}
Ending = Literal["Completed", "Failed", "Stopped", "MaxRuntimeExceeded"]
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
        **{name: value for name, value in request.items() if name != "Tags"},
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
        record["TrainingStartTime"] = now  # the documentation counts from the instances' start
    _transition(record, secondary, now)


def begin_stopping(record: Record, now: float) -> None:
    record["TrainingJobStatus"] = "Stopping"
    _transition(record, "Stopping", now)


def finish(record: Record, ending: Ending, now: float, reason: str = "") -> None:
    """End a job. What was asked to stop is Stopped, however it ended."""
    if record["TrainingJobStatus"] == "Stopping":
        ending = "Stopped"
    record["TrainingJobStatus"] = "Stopped" if ending == "MaxRuntimeExceeded" else ending
    if ending == "Failed":
        record["FailureReason"] = reason[:MAX_REASON]
    _transition(record, ending, now)
    record["SecondaryStatusTransitions"][-1]["EndTime"] = now
    started = record.get("TrainingStartTime")
    if started is not None:
        seconds = max(math.ceil(now - started), 1)
        record.update(TrainingEndTime=now, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)


def is_running(record: Record) -> bool:
    return record["TrainingJobStatus"] in ("InProgress", "Stopping")


def failure_reason(failure: str, exit_code: int) -> str:
    """FailureReason of a container that failed: what it wrote to `output/failure`, and its code."""
    if failure.startswith(("AlgorithmError", "ClientError", "InternalServerError")):
        return failure
    return f"AlgorithmError: {failure.strip()}, exit code: {exit_code}"


def metric_data(events: Iterable[Event]) -> list[dict[str, Any]]:
    """FinalMetricDataList of a log: each metric's last value, and when it was written."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        for name, value in final_metrics([event.message]).items():
            if math.isfinite(value):
                found[name] = {"MetricName": name, "Value": value, "Timestamp": event.timestamp / 1000}
    return list(found.values())

"""Pipelines and their executions as they are described, and how an execution's record changes through its life.

Pure functions: times are epoch seconds and come in as arguments. Members that begin with `_` are told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from jobs.emulator.api.faults import ServiceError
from jobs.emulator.pipelines.definition import Definition, Step
from jobs.emulator.store.collection import Collection, ResourceKind
from jobs.emulator.store.job_records import MAX_REASON
from jobs.emulator.store.state import Record, Resource

PIPELINES = ResourceKind(
    word="pipeline",
    prefix="Pipeline",
    listed="PipelineSummaries",
    missing=("ResourceNotFound", "Pipeline '{arn}' does not exist."),
    taken=(
        "ValidationException",
        "Pipeline names must be unique within an AWS account and region. A pipeline with this name already exists "
        "({arn})",
    ),
)
EXECUTIONS = ResourceKind(
    word="pipeline-execution",
    prefix="PipelineExecution",
    listed="PipelineExecutionSummaries",
    missing=("ResourceNotFound", "Pipeline execution with ARN '{name}' does not exist."),
    taken=("ConflictException", "A pipeline execution with this ARN already exists ({arn})"),
)
UNFINISHED = ("Executing", "Stopping")
STEP_FAILED = "Step failure: One or multiple steps failed."
"""FailureReason of an execution, word for word from a public thread; which step and why stands in the list of steps."""
Finished = Literal["Succeeded", "Failed", "Stopped"]


def find_pipeline(pipelines: Collection, request: Record, region: str) -> Resource:
    """The pipeline that a request names, by its name or its ARN. Raises ServiceError where there is none."""
    return pipelines.get(request["PipelineName"].rpartition("/")[2], region)


def new_step(step: Step, now: float) -> Record:
    """A step that begins, as lists of steps tell it."""
    return {**step.told, "StartTime": now, "StepStatus": "Starting", "AttemptCount": 1, "Metadata": {}}


def step_of(record: Record, name: str) -> Record:
    """The record of a step that has begun."""
    found: Record = next(step for step in record["_Steps"] if step["StepName"] == name)
    return found


def finish_step(step: Record, status: Finished, now: float, reason: str = "") -> None:
    step["StepStatus"], step["EndTime"] = status, now
    if reason:
        step["FailureReason"] = reason[:MAX_REASON]


def finish_execution(record: Record, status: Finished, reason: str, now: float) -> None:
    """End an execution, with what of its steps is not over; what was asked to stop is Stopped, however it ended."""
    stopping = record["PipelineExecutionStatus"] == "Stopping"
    for step in record["_Steps"]:
        if step["StepStatus"] in ("Starting", "Executing", "Stopping"):
            finish_step(step, "Stopped" if stopping else "Failed", now, "" if stopping else reason)
    record["PipelineExecutionStatus"] = "Stopped" if stopping else status
    if record["PipelineExecutionStatus"] == "Failed":
        record["FailureReason"] = reason


def begin_stopping(record: Record, token: str) -> None:
    """Raise ServiceError unless an execution may be asked to stop, or was by this very request."""
    if record.get("_StopToken") == token:
        return
    status = record["PipelineExecutionStatus"]
    if status != "Executing":
        raise ServiceError(
            "ValidationException", f"The pipeline execution cannot be stopped: it is in status {status}."
        )
    record["PipelineExecutionStatus"], record["_StopToken"] = "Stopping", token
    for step in record["_Steps"]:
        if step["StepStatus"] in ("Starting", "Executing"):
            step["StepStatus"] = "Stopping"


def begin_again(record: Record, request: Record) -> bool:
    """Make an execution that failed or was stopped ready to go on: what has succeeded stays. False where this very
    request has done so already. Raises ServiceError for one that may not be retried."""
    if record.get("_RetryToken") == request["ClientRequestToken"]:
        return False
    status = record["PipelineExecutionStatus"]
    if status not in ("Failed", "Stopped"):
        raise ServiceError(
            "ValidationException", f"The pipeline execution cannot be retried: it is in status {status}."
        )
    record["_Steps"] = [step for step in record["_Steps"] if step["StepStatus"] == "Succeeded"]
    record.pop("FailureReason", None)
    record["PipelineExecutionStatus"], record["_RetryToken"] = "Executing", request["ClientRequestToken"]
    if "ParallelismConfiguration" in request:
        record["ParallelismConfiguration"] = request["ParallelismConfiguration"]
    return True


def outcome_of(step: Record) -> bool:
    """What a condition that has succeeded came to."""
    return bool(step["Metadata"]["Condition"]["Outcome"] == "True")


def ready(definition: Definition, begun: Mapping[str, Record]) -> list[Step]:
    """The steps that may begin now, in the order of the definition. One below a condition waits for its outcome; if
    that is another, neither it nor what needs it ever begins."""
    return [step for step in definition.steps.values() if step.name not in begun and _may_begin(step, begun)]


def _may_begin(step: Step, begun: Mapping[str, Record]) -> bool:
    if not all(begun.get(name, {}).get("StepStatus") == "Succeeded" for name in step.needs):
        return False
    return step.branch is None or outcome_of(begun[step.branch[0]]) == step.branch[1]


def described(record: Record) -> Record:
    """A pipeline or an execution as it is described."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def summarize_execution(record: Record) -> dict[str, Any]:
    """An execution as it is listed, which calls its times and its reason otherwise."""
    return {
        **described(record),
        "StartTime": record["CreationTime"],
        "PipelineExecutionFailureReason": record.get("FailureReason"),
    }

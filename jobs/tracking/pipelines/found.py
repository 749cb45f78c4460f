"""A pipeline's executions, as SageMaker tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError, is_missing
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs.backends import Place
from jobs.creating import PIPELINE, described
from jobs.tracking.find_jobs import find_described

UNFINISHED = ("Executing", "Stopping")
NEVER = "never started"


@dataclass(frozen=True)
class FoundPipeline:
    """A pipeline, and its latest execution, None where it was never started."""

    place: Place
    description: dict[str, Any]
    execution: dict[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.description["PipelineName"])

    @property
    def status(self) -> str:
        """Of the latest execution; in the words of jobs where it has ended well."""
        if self.execution is None:
            return NEVER
        status = str(self.execution["PipelineExecutionStatus"])
        return "Completed" if status == "Succeeded" else status

    def stop(self) -> None:
        """Ask for the end of the latest execution, and of the jobs of its steps."""
        if self.execution is None:
            raise SagesegError(f"{self.name}: {NEVER}, so there is nothing to stop")
        with aws_errors(f"stopping {self.name}"):
            self.place.sagemaker.stop_pipeline_execution(PipelineExecutionArn=self.execution["PipelineExecutionArn"])


def describe_step(step: Mapping[str, Any]) -> str:
    """`Succeeded after 5 min`; of a condition how it came out, of a failure why, of a step that was not run again of
    which execution, and which attempt it was."""
    taken = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    if taken:
        return f"{step['StepStatus']} (already in execution {taken.rpartition('/')[2]})"
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome") or step.get("FailureReason")
    told = f"{step['StepStatus']} ({outcome})" if outcome else str(step["StepStatus"])
    if step.get("AttemptCount", 0) > 1:
        told += f" at attempt {step['AttemptCount']}"
    if "EndTime" not in step:
        return told
    return f"{told} after {format_roughly((step['EndTime'] - step['StartTime']).total_seconds())}"


def executions(place: Place, name: str) -> Iterator[dict[str, Any]]:
    """What lists tell of a pipeline's executions, the newest first."""
    pages = place.sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=name, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        yield from page["PipelineExecutionSummaries"]


def latest_execution(place: Place, name: str) -> dict[str, Any] | None:
    """What a list tells of a pipeline's latest execution; None where it was never started, or is not there."""
    try:
        with aws_errors(f"listing the executions of {name}"):
            return next(executions(place, name), None)
    except AwsError as e:
        if is_missing(e):
            return None
        raise


def under_way(place: Place, name: str) -> str | None:
    """The ARN of an execution that goes on; None where none does, or there is no such pipeline."""
    if described(place.sagemaker, PIPELINE, name) is None:
        return None
    with aws_errors(f"listing the executions of {name}"):
        running = (each for each in executions(place, name) if each["PipelineExecutionStatus"] in UNFINISHED)
        return next((str(each["PipelineExecutionArn"]) for each in running), None)


def steps_of(place: Place, arn: str) -> list[dict[str, Any]]:
    """The steps of an execution that have begun, in that order."""
    with aws_errors(f"asking for the steps of {arn}"):
        pages = place.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        return [step for page in pages for step in page["PipelineExecutionSteps"]]


def find_pipeline(name: str, region: str | None) -> FoundPipeline | None:
    """The pipeline of a name, at this folder's emulator or at AWS; None where none is found."""
    found = find_described(PIPELINE, name, region)
    if found is None:
        return None
    place, description = found
    return FoundPipeline(place, description, latest_execution(place, name))

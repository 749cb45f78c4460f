"""An execution followed to its end: a line as each step begins and ends, and of one that fails why, and the end of its
log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import sleep
from typing import Any

from aws.clients import aws_errors
from formats.console import open_screen, say
from formats.errors import SagesegError
from jobs.backends import Place
from jobs.contract.file_uris import for_people
from jobs.contract.log_lines import PROCESSING_LOGS, TRAINING_LOGS, TRANSFORM_LOGS
from jobs.creating import PROCESSING, described
from jobs.pipelines.steps import TOO_LOW
from jobs.tracking.job_calls import POLL_SECONDS, LogTail
from jobs.tracking.pipelines.found import UNFINISHED, describe_step, steps_of

_LAST_LINES = 12
_LOGS = {"ProcessingJob": PROCESSING_LOGS, "TrainingJob": TRAINING_LOGS, "TransformJob": TRANSFORM_LOGS}
"""The log groups by what a list of steps calls their jobs."""
_ENDED = ("Succeeded", "Failed", "Stopped")
_AGAIN = "the same command starts another execution, with --retry it goes on with this one after what has succeeded"
Step = Mapping[str, Any]


@dataclass(frozen=True)
class Left:
    """What an execution left: the URI of its report's folder, and the ARN of the model package."""

    report: str
    package: str


def follow_execution(place: Place, name: str, arn: str) -> Left:
    """Follow an execution to its end. Raises SagesegError where it does not succeed."""
    told: dict[str, str] = {}
    with open_screen() as screen:
        while True:
            with aws_errors(f"describing an execution of {name}"):
                execution = place.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            steps = steps_of(place, arn)
            for line in _news(steps, told):
                screen.line(line)
            status = execution["PipelineExecutionStatus"]
            if status not in UNFINISHED:
                break
            screen.live(f"{name}  {status}  {', '.join(_running(steps))}")
            sleep(POLL_SECONDS[place.backend])
    if status == "Succeeded":
        return Left(_report_of(place, steps), _made(steps, "Register", "RegisterModel"))
    raise _failure(place, name, execution, steps)


def _made(steps: list[dict[str, Any]], name: str, kind: str) -> str:
    """The ARN of what a step made, or an earlier run of it that counts; empty where the list does not tell it."""
    found = (arn for step in steps if step["StepName"] == name for each, arn in _jobs(step) if each == kind)
    return next(found, "")


def _report_of(place: Place, steps: list[dict[str, Any]]) -> str:
    """By the job itself: an execution may have been started with another `Out` than the definition's."""
    job = _made(steps, "Report", "ProcessingJob").rpartition("/")[2]
    told = (described(place.sagemaker, PROCESSING, job) if job else None) or {}
    outputs = told.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return next((str(one["S3Output"]["S3Uri"]) for one in outputs if one["OutputName"] == "report"), "")


def _news(steps: list[dict[str, Any]], told: dict[str, str]) -> Iterator[str]:
    """Lines of what has changed since, noted in `told`."""
    for step in steps:
        name, status = step["StepName"], step["StepStatus"]
        if name not in told:
            told[name] = ""
            yield f"{name} begins"
        if status in _ENDED and not told[name]:
            told[name] = status
            yield f"{name}: {describe_step(step)}"


def _running(steps: list[dict[str, Any]]) -> list[str]:
    return [step["StepName"] for step in steps if step["StepStatus"] not in _ENDED]


def _jobs(step: Step) -> Iterator[tuple[str, str]]:
    """What a step's metadata names: the kind of a thing, and its ARN."""
    for kind, told in step.get("Metadata", {}).items():
        if isinstance(told, Mapping) and "Arn" in told:
            yield kind, str(told["Arn"])


def _failure(place: Place, name: str, execution: Step, steps: list[dict[str, Any]]) -> SagesegError:
    """Why an execution did not succeed; the last lines of the failed step's log are shown."""
    failed = next((step for step in steps if step["StepStatus"] == "Failed"), None)
    if failed is None:
        reason = execution.get("FailureReason", "somebody stopped it").rstrip(".")
        return SagesegError(f"{name}: {execution['PipelineExecutionStatus']} ({reason}); {_AGAIN}")
    reason = str(failed.get("FailureReason", "no reason told"))
    if failed["StepName"] == TOO_LOW:
        report = for_people(f"{_report_of(place, steps)}/index.html")
        return SagesegError(f"{name}: {reason.rstrip('.')}; {report} shows where it fails")
    for kind, arn in _jobs(failed):
        job = arn.rpartition("/")[2]
        if kind in _LOGS:
            _show_log(place, job, _LOGS[kind])
        if kind == "ProcessingJob":  # what its program said of its end, a step does not tell
            reason = (described(place.sagemaker, PROCESSING, job) or {}).get("ExitMessage") or reason
    return SagesegError(
        f"{name}: the step {failed['StepName']} failed ({reason.strip().rstrip('.')}); mend that, and {_AGAIN}"
    )


def _show_log(place: Place, job: str, group: str) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        with aws_errors(f"reading the log of {job}"):
            last.extend(LogTail(place.backend, place.region, f"{job}/", group).new_lines())
    except SagesegError as e:
        say(f"note: {e}")
    if last:
        say(f"the last lines of {job}:")
    for line in last:
        say(f"  {line}")

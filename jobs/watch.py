"""Following a job: its status and its log, from CloudWatch or from the emulator, which speaks alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from jobs.clients import aws_errors, make_client
from jobs.log_lines import epoch_metrics
from jobs.records import JobRecord, write_record

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
FINISHED = ("Completed", "Failed", "Stopped")
_INTERVAL_SECONDS: dict[str, float] = {"aws": 10.0, "local": 0.5}


@dataclass
class LogTail:
    """Reads each line of a job's log once, over as many calls as it takes."""

    logs: Any
    job: str
    _tokens: dict[str, str] = field(default_factory=dict)

    def new_lines(self) -> Iterator[str]:
        for stream in self._streams():
            yield from self._new_lines_of(stream)

    def _streams(self) -> list[str]:
        try:
            pages = self.logs.get_paginator("describe_log_streams").paginate(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self.job}/"
            )
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except self.logs.exceptions.ResourceNotFoundException:
            return []  # the group appears with the account's first job

    def _new_lines_of(self, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            place = {"nextToken": token} if token else {}
            answer = self.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True, **place)
            yield from (event["message"] for event in answer["events"])
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:
                return


def describe(record: JobRecord) -> dict[str, Any]:
    """The job as its backend describes it now."""
    client = make_client("sagemaker", record.backend, record.region)
    with aws_errors(f"describing {record.name}"):
        answer: dict[str, Any] = client.describe_training_job(TrainingJobName=record.name)
    answer.pop("ResponseMetadata", None)
    return answer


def log_lines(record: JobRecord) -> Iterator[str]:
    """The whole log so far."""
    with aws_errors(f"reading the log of {record.name}"):
        yield from LogTail(make_client("logs", record.backend, record.region), record.name).new_lines()


def follow(record: JobRecord) -> JobRecord:
    """Show status and log on stderr until the job has ended; returns the record with both.

    Raises SagesegError with the service's reason when the job did not complete.
    """
    tail = LogTail(make_client("logs", record.backend, record.region), record.name)
    lines: list[str] = []
    shown = 0
    while True:
        description = describe(record)
        shown = _say_transitions(description, shown)
        with aws_errors(f"reading the log of {record.name}"):
            for line in tail.new_lines():
                say(line)
                lines.append(line)
        if description["TrainingJobStatus"] in FINISHED:
            break
        time.sleep(_INTERVAL_SECONDS[record.backend])
    record = replace(record, description=description, epochs=[asdict(metrics) for metrics in epoch_metrics(lines)])
    write_record(record)
    _check_completed(description)
    return record


def _say_transitions(description: dict[str, Any], shown: int) -> int:
    transitions = description.get("SecondaryStatusTransitions", [])
    for transition in transitions[shown:]:
        message = transition.get("StatusMessage")
        say(transition["Status"] + (f" - {message}" if message else ""))
    return len(transitions)


def _check_completed(description: dict[str, Any]) -> None:
    status = description["TrainingJobStatus"]
    if status != "Completed":
        name = description["TrainingJobName"]
        reason = description.get("FailureReason") or description.get("SecondaryStatus", "")
        raise SagesegError(f"{name}: {status}: {reason}; sageseg jobs logs {name} shows its log")

"""Following a job: its status and its log, from CloudWatch or from the emulator, which speaks alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from time import sleep, time
from typing import Any

from formats.console import say
from formats.errors import SagesegError
from jobs.backends import aws_errors, make_client
from jobs.contract.log_lines import epoch_metrics
from jobs.contract.training_request import validates_on_train
from jobs.cost.quotes import actual_usd
from jobs.screen import Screen, open_screen
from jobs.tracking.failures import LAST_LINES, console_link, find_cure
from jobs.tracking.progress import Progress, advance, describe_epoch, describe_progress
from jobs.tracking.records import JobRecord, write_record

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
FINISHED = ("Completed", "Failed", "Stopped")
POLL_SECONDS: dict[str, float] = {"aws": 10.0, "local": 0.2}
"""How long what is waited for is left alone, by backend."""


class JobFailedError(SagesegError):
    """A job that did not complete. `reason` is the service's own."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


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


def open_tail(record: JobRecord) -> LogTail:
    return LogTail(make_client("logs", record.backend, record.region), record.name)


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
        yield from open_tail(record).new_lines()


@dataclass
class _Following:
    """What has been seen and shown of a job."""

    record: JobRecord
    screen: Screen
    progress: Progress = field(default_factory=Progress)
    lines: list[str] = field(default_factory=list)
    transitions: int = 0
    epochs: int = 0

    def show(self, description: Mapping[str, Any], new: Iterable[str]) -> None:
        """Lines that stay for each change of status and each epoch; the rest on the live line."""
        changes = description.get("SecondaryStatusTransitions", [])
        for change in changes[self.transitions :]:
            message = change.get("StatusMessage")
            self.screen.line(change["Status"] + (f" - {message}" if message else ""))
        self.transitions = len(changes)
        fresh = list(new)
        self.lines += fresh
        self.progress = advance(self.progress, fresh)
        on_train = validates_on_train(description)
        validated = [epoch for epoch in self.progress.measured if epoch.validation_mIOU is not None]
        for metrics in validated[self.epochs :]:
            self.screen.line(describe_epoch(metrics, self.progress.epochs, on_train=on_train))
        self.epochs = len(validated)
        usd = usd_so_far(self.record, description, time())
        self.screen.live(describe_progress(self.progress, description["SecondaryStatus"], usd, on_train=on_train))


def follow(record: JobRecord) -> JobRecord:
    """Show status and progress on stderr until the job has ended; returns the record with both.

    Raises JobFailedError with the service's reason and the cure, where one is known, when the job
    did not complete. Ctrl-C is the caller's.
    """
    tail = open_tail(record)
    with open_screen() as screen:
        following = _Following(record, screen)
        while True:
            description = describe(record)
            with aws_errors(f"reading the log of {record.name}"):
                following.show(description, tail.new_lines())
            if description["TrainingJobStatus"] in FINISHED:
                break
            pause(record)
    record = finished_record(record, description, following.lines)
    write_record(record)
    _check_completed(record, following.lines)
    return record


def pause(record: JobRecord) -> None:
    """Wait until it is worth asking again."""
    sleep(POLL_SECONDS[record.backend])


def usd_so_far(record: JobRecord, description: Mapping[str, Any], now: float) -> float | None:
    """Dollars since the instance started, None where no price is known. `now` in seconds since 1970."""
    rate, started = record.cost.get("usd_per_hour"), description.get("TrainingStartTime")
    if rate is None or started is None:
        return None
    ended = description.get("TrainingEndTime")
    seconds: float = (ended.timestamp() if ended else now) - started.timestamp()
    return float(rate) * max(seconds, 0.0) / 3600


def finished_record(record: JobRecord, description: dict[str, Any], lines: Iterable[str]) -> JobRecord:
    """The record with the job's end: description, metrics, what it cost."""
    cost = dict(record.cost)
    if cost:
        cost["actual_usd"] = actual_usd(description, cost.get("usd_per_hour"))
    epochs = [asdict(metrics) for metrics in epoch_metrics(lines)]
    return replace(record, description=description, epochs=epochs, cost=cost)


def _check_completed(record: JobRecord, lines: list[str]) -> None:
    status = record.description["TrainingJobStatus"]
    if status == "Completed":
        return
    reason = record.description.get("FailureReason") or record.description.get("SecondaryStatus", "")
    if status == "Failed":
        for line in lines[-LAST_LINES:]:
            say(f"  {line}")
        if record.backend == "aws":
            say(console_link(record.name, record.region))
    cure = find_cure(record.description, lines) if status == "Failed" else ""
    ending = f"; {cure}" if cure else f"; sageseg jobs logs {record.name} shows its log"
    raise JobFailedError(f"{record.name}: {status}: {reason.rstrip('.')}{ending}", reason)

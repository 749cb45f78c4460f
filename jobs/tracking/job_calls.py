"""What is asked of a job while it lives: its description, its log, an end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from time import sleep
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError, is_missing
from formats.errors import SagesegError
from jobs.backends import make_client
from jobs.contract.log_lines import TRAINING_LOGS, as_wanted
from jobs.tracking.records import JobRecord
from jobs.tracking.tuning_ranking import TunedJob, tuned_job

POLL_SECONDS: dict[str, float] = {"aws": 10.0, "local": 0.2}
"""How long what is waited for is left alone, by backend."""


class JobFailedError(SagesegError):
    """A job that did not complete. `reason` is the service's own."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def describe(record: JobRecord) -> dict[str, Any]:
    """The training job or tuning job as its backend describes it now. Raises JobFailedError for one that was begun
    here, and of which nothing is there."""
    client = make_client("sagemaker", record.backend, record.region)
    try:
        with aws_errors(f"describing {record.name}"):
            answer: dict[str, Any] = getattr(client, record.call.describe)(**{record.call.named: record.name})
    except AwsError as e:
        if record.is_begun and is_missing(e):
            raise JobFailedError(_begun_and_gone(record), "") from e
        raise
    answer.pop("ResponseMetadata", None)
    return answer


def _begun_and_gone(record: JobRecord) -> str:
    where = "this machine's emulator" if record.backend == "local" else f"AWS in {record.region}"
    return (
        f"{record.name}: was begun here at {record.created}, and is not at {where}; run the command that began it "
        f"again, or sageseg jobs forget {record.name}"
    )


def training_jobs_of(record: JobRecord) -> list[TunedJob]:
    """All training jobs of a tuning job, in the order in which they were started."""
    client = make_client("sagemaker", record.backend, record.region)
    with aws_errors(f"listing the training jobs of {record.name}"):
        pages = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=record.name,
            SortBy="CreationTime",
            SortOrder="Ascending",
            PaginationConfig={"PageSize": 100},
        )
        return [tuned_job(summary) for page in pages for summary in page["TrainingJobSummaries"]]


@dataclass(frozen=True)
class FoundJob:
    """A job by its record, with what its backend says of it: asked for when it is looked at, and once.

    `seen` is its description where finding the job took one.
    """

    record: JobRecord
    seen: dict[str, Any] | None = None

    @cached_property
    def description(self) -> dict[str, Any]:
        return describe(self.record) if self.seen is None else self.seen

    @property
    def status(self) -> str:
        return str(self.description[f"{'HyperParameterTuning' if self.record.is_tuning else 'Training'}JobStatus"])

    @cached_property
    def training_jobs(self) -> list[TunedJob]:
        """Those of a tuning job, in the order in which they were started."""
        return training_jobs_of(self.record)


def stop_job(record: JobRecord) -> None:
    """Ask for the job's end; what a training has learned so far is kept, and so is what a tuning
    job's training jobs have."""
    client = make_client("sagemaker", record.backend, record.region)
    with aws_errors(f"stopping {record.name}"):
        if record.is_tuning:
            client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=record.name)
        else:
            client.stop_training_job(TrainingJobName=record.name)


@dataclass
class LogTail:
    """Reads each line of the streams of a log group whose names begin with a prefix once, over as many calls as it
    takes. The emulator may be another each time, at an address of its own."""

    backend: str
    region: str
    prefix: str
    group: str = TRAINING_LOGS
    _tokens: dict[str, str] = field(default_factory=dict)

    def new_lines(self) -> Iterator[str]:
        for _, line in self.new_events():
            yield line

    def new_events(self) -> Iterator[tuple[str, str]]:
        """Each new line with its stream."""
        logs = make_client("logs", self.backend, self.region)
        for stream in self._streams(logs):
            for line in self._new_lines_of(logs, stream):
                yield stream, line

    def _streams(self, logs: Any) -> list[str]:
        try:
            pages = logs.get_paginator("describe_log_streams").paginate(
                logGroupName=self.group, logStreamNamePrefix=self.prefix
            )
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except logs.exceptions.ResourceNotFoundException:
            return []  # the group appears with the account's first job

    def _new_lines_of(self, logs: Any, stream: str) -> Iterator[str]:
        while True:
            token = self._tokens.get(stream)
            place = {"nextToken": token} if token else {}
            answer = logs.get_log_events(logGroupName=self.group, logStreamName=stream, startFromHead=True, **place)
            yield from (event["message"] for event in answer["events"])
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:
                return


def tail_of(record: JobRecord) -> LogTail:
    """The log of a training job."""
    return LogTail(record.backend, record.region, f"{record.name}/")


def log_lines(record: JobRecord) -> Iterator[str]:
    """The whole log so far, with its colours where they are wanted."""
    with aws_errors(f"reading the log of {record.name}"):
        yield from map(as_wanted, tail_of(record).new_lines())


def pause(record: JobRecord) -> None:
    """Wait until it is worth asking again."""
    sleep(POLL_SECONDS[record.backend])

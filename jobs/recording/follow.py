"""A job followed to its end and written down meanwhile. Nothing that a server does, or fails to do, touches the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from formats.console import say
from formats.errors import SagesegError, shown
from jobs.contract.log_lines import EpochMetrics
from jobs.recording.mlflow_server import open_mlflow
from jobs.recording.record import record_begun, record_job, record_training
from jobs.tracking.following import follow_or_leave, goes_on, settle_interrupted
from jobs.tracking.job_calls import FoundJob, JobFailedError
from jobs.tracking.records import JobRecord, read_record


@dataclass
class _Recorder:
    """`away` once a server did not answer: it is not waited for again before the job's end."""

    uri: str
    away: bool = False

    def try_to(self, write: Callable[[], object]) -> None:
        if self.away:
            return
        try:
            write()
        except SagesegError as e:
            self.away = True
            say(f"warning: {shown(e)}; the job goes on, and at its end this is tried again")

    def begin(self, record: JobRecord) -> None:
        self.try_to(lambda: record_begun(open_mlflow(self.uri), FoundJob(record)))

    def begin_followed(self, record: JobRecord) -> None:
        """Ctrl-C while a server is waited for is no other than while the job is."""
        try:
            self.begin(record)
        except KeyboardInterrupt:
            settle_interrupted(record)
            raise

    def epochs(self, record: JobRecord, description: dict[str, Any], epochs: Sequence[EpochMetrics]) -> None:
        told: list[Mapping[str, Any]] = [asdict(each) for each in epochs]
        self.try_to(lambda: record_training(open_mlflow(self.uri), FoundJob(record, description), told))


def follow_recorded(record: JobRecord, uri: str) -> JobRecord:
    """Follow a job as `follow_or_leave` does, and write it down as it begins, with each epoch, and when it has ended,
    failed jobs too."""
    recorder = _Recorder(uri)
    try:
        recorder.begin_followed(record)
        record = follow_or_leave(record, lambda told, epochs: recorder.epochs(record, told, epochs))
    except JobFailedError:
        record_or_say(uri, read_record(record.name))
        raise
    except (KeyboardInterrupt, SagesegError):
        say(f"{how_to_record(uri, record.name)} once it has ended")
        raise
    record_or_say(uri, record)
    return record


def begin_recorded(record: JobRecord, uri: str) -> JobRecord:
    """Write down a job that nobody is going to follow, and say what does so with its end."""
    try:
        _Recorder(uri).begin(record)
    except KeyboardInterrupt:
        say(goes_on(record))
        raise
    finally:
        say(f"{how_to_record(uri, record.name)} once it has ended")
    return record


def record_or_say(uri: str, record: JobRecord) -> None:
    """Write down a job that has ended; where that fails, say so and how it is done later."""
    try:
        record_job(uri, FoundJob(record, record.description or None))
    except SagesegError as e:
        say(f"warning: {shown(e)}; the job is as it is; {how_to_record(uri, record.name)}")
    except KeyboardInterrupt:
        say(f"the job is as it is; {how_to_record(uri, record.name)}")
        raise


def how_to_record(uri: str, job: str) -> str:
    return f"sageseg jobs record {job} --mlflow {uri} writes it down"

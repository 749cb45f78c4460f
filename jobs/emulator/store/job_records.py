"""What the records of all jobs share, whatever they do: how they are asked to stop, and how they end."""

from __future__ import annotations

from jobs.contract.statuses import Ended
from jobs.emulator.api.faults import invalid
from jobs.emulator.store.collection import Collection, ResourceKind
from jobs.emulator.store.state import Record

MAX_REASON = 1024
"""Characters of a FailureReason, in the service's model."""


def begin_stopping(record: Record, kind: ResourceKind) -> None:
    """Raise ServiceError unless a job may be asked to stop."""
    member = kind.status_member
    if record[member] != "InProgress":
        raise invalid(f"The request was rejected because the {kind.noun} is in status {record[member]}.")
    record[member] = "Stopping"


def end_job(record: Record, kind: ResourceKind, ending: Ended, reason: str) -> None:
    """Give a job its last status. What was asked to stop is Stopped, however it ended."""
    member = kind.status_member
    record[member] = "Stopped" if record[member] == "Stopping" else ending
    if record[member] == "Failed":
        record["FailureReason"] = reason[:MAX_REASON]


def failure_reason(failure: str, exit_code: int, ending: str = "", host: str = "") -> str:
    """FailureReason of a container that failed: its host where that is to be told, what it wrote to `output/failure`,
    else what is known of its end, and its code. Where nothing is known the service leaves the place before the comma
    empty, for trainings and processing jobs alike."""
    if failure.startswith(("AlgorithmError", "ClientError", "InternalServerError")):
        return failure
    told = ": ".join(filter(None, [host, failure.strip() or ending]))
    return f"AlgorithmError: {told}, exit code: {exit_code}"


def settle_job(jobs: Collection, name: str, ending: Ended, reason: str = "") -> None:
    """End a stored job at this moment."""

    def change(record: Record, now: float) -> None:
        end_job(record, jobs.kind, ending, reason)
        record[f"{jobs.kind.prefix.removesuffix('Job')}EndTime"] = now

    jobs.change(name, change)

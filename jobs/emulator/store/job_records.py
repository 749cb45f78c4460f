"""What the records of all jobs share, whatever they do: how they are asked to stop, and how they end."""

from __future__ import annotations

from jobs.contract.statuses import Ended
from jobs.emulator.api.faults import invalid
from jobs.emulator.store.collection import ResourceKind
from jobs.emulator.store.state import Record

MAX_REASON = 1024
"""Characters of a FailureReason, in the service's model."""


def check_in_progress(record: Record, kind: ResourceKind, noun: str) -> None:
    """Raise ServiceError unless a job may be asked to stop; `noun` is the service's word for it."""
    status = record[kind.status_member]
    if status != "InProgress":
        raise invalid(f"The request was rejected because the {noun} is in status {status}.")


def end_job(record: Record, kind: ResourceKind, ending: Ended, reason: str) -> None:
    """Give a job its last status. What was asked to stop is Stopped, however it ended."""
    member = kind.status_member
    record[member] = "Stopped" if record[member] == "Stopping" else ending
    if record[member] == "Failed":
        record["FailureReason"] = reason[:MAX_REASON]

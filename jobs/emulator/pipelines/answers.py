"""What the operations on pipelines and on executions share: refusals, and pages of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.store.collection import bad_token
from jobs.emulator.store.paging import cut_page
from jobs.emulator.store.state import Record, State

_NOT_EMULATED = (
    "SelectiveExecutionConfig",
    "MlflowExperimentName",
)


def as_operations(named: Mapping[str, Operation]) -> dict[tuple[str, str], Operation]:
    """SageMaker's operations by their names, each of which refuses by name what of its request is not emulated."""
    return {("sagemaker", name): _whole(operation) for name, operation in named.items()}


def _whole(operation: Operation) -> Operation:

    def checked(request: Record, region: str) -> Record:
        for name in _NOT_EMULATED:
            if name in request:
                raise invalid(f"{name} is not emulated")
        return operation(request, region)

    return checked


def check_same(before: Record, request: Record) -> None:
    """Raise ServiceError for a token that was used for another request."""
    if before != request:
        raise ServiceError("ConflictException", "ClientRequestToken was used for another request")


def records_of(state: State, kind: str, request: Record) -> list[Record]:
    """The records of a kind, between the times that a request gives, the oldest first."""
    after, before = request.get("CreatedAfter", float("-inf")), request.get("CreatedBefore", float("inf"))
    found = state.select("kind = ?", (kind,), "ORDER BY created, name")
    return [resource.record for resource in found if after < resource.created < before]


def sort_records(found: list[Record], request: Record, columns: Record, last: str) -> None:
    """Put a list in the order that a request asks for, the newest first if it asks for none; `last` decides between
    equals."""
    column = columns.get(request.get("SortBy", ""), "CreationTime")
    key: Callable[[Record], Any] = lambda record: (record[column], record[last])  # noqa: E731
    found.sort(key=key, reverse=request.get("SortOrder", "Descending") == "Descending")


def page_of(member: str, found: Sequence[Record], request: Record) -> Record:
    """The answer to a List call."""
    page, token = cut_page(found, request, bad_token())
    return {member: page} | ({"NextToken": token} if token else {})

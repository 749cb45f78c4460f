"""All resources of one kind: found, added, changed, removed and listed alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.store.paging import DEFAULT_PAGE, make_token, read_token
from jobs.emulator.store.state import Record, Resource, State

DEFAULT_ACCOUNT = "000000000000"
"""The account of what names no role."""
_SORT_COLUMNS = {"Name": "name", "CreationTime": "created", "Status": "status"}
_FILTERS = {
    "NameContains": "instr(name, ?) > 0",
    "CreationTimeAfter": "created > ?",
    "CreationTimeBefore": "created < ?",
    "LastModifiedTimeAfter": "modified > ?",
    "LastModifiedTimeBefore": "modified < ?",
}


@dataclass(frozen=True)
class ResourceKind:
    """A kind of resource. `word` stands in its ARNs, `prefix` before its members (`TrainingJob`
    gives `TrainingJobName`), `listed` names the member of a list's answer. `missing` and `taken` are
    the service's words (code, text with `{arn}`)."""

    word: str
    prefix: str
    listed: str
    missing: tuple[str, str]
    taken: tuple[str, str]
    status_after_paging: bool = False
    """Whether StatusEquals is applied to a page after it was cut, as ListTrainingJobs documents."""
    noun: str = ""
    """What a refusal calls a job."""

    @property
    def name_member(self) -> str:
        return f"{self.prefix}Name"

    @property
    def arn_member(self) -> str:
        return f"{self.prefix}Arn"

    @property
    def status_member(self) -> str:
        return f"{self.prefix}Status"


def make_arn(kind: ResourceKind, name: str, region: str, owner: str | None = None) -> str:
    """A resource's ARN, in the partition and account of its owner: a role's or resource's ARN."""
    _, partition, _, _, account, _ = (owner or f"arn:aws:iam::{DEFAULT_ACCOUNT}:").split(":", 5)
    return f"arn:{partition}:sagemaker:{region}:{account}:{kind.word}/{name}"


def without_tags(request: Record) -> Record:
    """What of a request its resource's record takes over: tags are kept beside it."""
    return {name: value for name, value in request.items() if name != "Tags"}


class Collection:
    """The stored resources of a kind."""

    def __init__(self, state: State, kind: ResourceKind) -> None:
        self.state, self.kind = state, kind

    def operations(self) -> dict[tuple[str, str], Operation]:
        """Those that are alike for all kinds."""
        prefix = self.kind.prefix
        return {("sagemaker", f"Describe{prefix}"): self.describe, ("sagemaker", f"List{prefix}s"): self.page}

    def find(self, name: str) -> Resource | None:
        return self.state.get(self.kind.word, name)

    def get(self, name: str, region: str) -> Resource:
        """Raises ServiceError in the service's words when there is no such resource."""
        resource = self.find(name)
        if resource is None:
            code, text = self.kind.missing
            raise ServiceError(code, text.format(arn=make_arn(self.kind, name, region), name=name))
        return resource

    def named(self, text: str, region: str) -> Resource:
        """The resource of a name, or of an ARN. Raises ServiceError when there is none."""
        if not text.startswith("arn:"):
            return self.get(text, region)
        resource = self.state.by_arn(text)
        if resource is None or resource.kind != self.kind.word:
            code, refusal = self.kind.missing
            raise ServiceError(code, refusal.format(arn=text, name=text))
        return resource

    def of_request(self, request: Record, region: str) -> Resource:
        """The resource that a request names."""
        return self.get(request[self.kind.name_member], region)

    def describe(self, request: Record, region: str) -> Record:
        """The answer to a Describe call."""
        return self.of_request(request, region).record

    def create(self, request: Record, region: str, owner: str | None, members: Record) -> Record:
        """The answer to a Create call: the request is stored with what the service adds to it; `owner` is the
        ARN of its role or resource."""
        arn = make_arn(self.kind, request[self.kind.name_member], region, owner)
        added = {self.kind.arn_member: arn, "CreationTime": time.time(), **members}
        self.add(without_tags(request) | added, request)
        return {self.kind.arn_member: arn}

    def delete(self, request: Record, region: str) -> Record:
        """The answer to a Delete call, for what can go at once."""
        self.remove(self.of_request(request, region).name)
        return {}

    def add(self, record: Record, request: Record) -> None:
        """Store a new record with its request's tags. Raises ServiceError when its name is taken."""
        name, arn, now = record[self.kind.name_member], record[self.kind.arn_member], record["CreationTime"]
        status = record.get(self.kind.status_member, "")
        resource = Resource(self.kind.word, name, arn, status, now, now, record, request.get("Tags", []))
        if not self.state.insert(resource):
            code, text = self.kind.taken
            other = self.find(name)
            raise ServiceError(code, text.format(arn=other.arn if other else arn))

    def change(self, name: str, change: Callable[[Record, float], None]) -> None:
        """Change a record at this moment, alone among all threads; when it raises, nothing changes."""

        def apply(record: Record) -> tuple[str, float]:
            now = time.time()
            change(record, now)
            record["LastModifiedTime"] = now
            return record.get(self.kind.status_member, ""), now

        self.state.update(self.kind.word, name, apply)

    def remove(self, name: str) -> None:
        self.state.delete(self.kind.word, name)

    def with_status(self, *statuses: str) -> list[Resource]:
        marks = ", ".join("?" * len(statuses))
        return self.state.select(f"kind = ? AND status IN ({marks})", (self.kind.word, *statuses))

    def page(self, request: Record, _region: str, also: Sequence[tuple[str, tuple[Any, ...]]] = ()) -> Record:
        """The answer to a List call: one page of what it asks for, and of what meets SQL conditions beside, each with
        its parameters. What it tells of each, of all that is in the record, the service's model says."""
        size = request.get("MaxResults", DEFAULT_PAGE)
        column = _SORT_COLUMNS[request.get("SortBy", "CreationTime")]
        found = self._select(request, column, size + 1, also)
        wanted = request.get("StatusEquals")
        page = [resource for resource in found[:size] if wanted in (None, resource.status)]
        response: Record = {self.kind.listed: [resource.record for resource in page]}
        if len(found) > size:
            last = found[size - 1]
            response["NextToken"] = make_token([getattr(last, column), last.name])
        return response

    def _select(
        self, request: Record, column: str, limit: int, also: Sequence[tuple[str, tuple[Any, ...]]]
    ) -> list[Resource]:
        conditions = ["kind = ?"]
        parameters: list[Any] = [self.kind.word]
        filters = _FILTERS if self.kind.status_after_paging else {**_FILTERS, "StatusEquals": "status = ?"}
        for name, condition in filters.items():
            if name in request:
                conditions.append(condition)
                parameters.append(request[name])
        for condition, values in also:
            conditions.append(condition)
            parameters += values
        # The documentation names both orders as the default; its example lists the newest first.
        order, beyond = ("ASC", ">") if request.get("SortOrder") == "Ascending" else ("DESC", "<")
        if "NextToken" in request:
            conditions.append(f"({column}, name) {beyond} (?, ?)")
            parameters += read_token(request["NextToken"], 2, bad_token())
        rest = f"ORDER BY {column} {order}, name {order} LIMIT ?"
        return self.state.select(" AND ".join(conditions), (*parameters, limit), rest)


def bad_token() -> ServiceError:
    return invalid("The token in NextToken is not valid.")

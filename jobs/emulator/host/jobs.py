"""The jobs of one kind, kept and running, and the operations on them that are alike for all kinds."""

from __future__ import annotations

from typing import Generic

from jobs.emulator.api.app import Operation
from jobs.emulator.host.runs import R, Runs
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.collection import Collection, ResourceKind
from jobs.emulator.store.job_records import begin_stopping
from jobs.emulator.store.state import Record


class Jobs(Generic[R]):
    """Each operation takes a checked request and the caller's region."""

    def __init__(self, place: Workplace, kind: ResourceKind) -> None:
        self._place = place
        self.jobs = Collection(place.state, kind)
        self.runs: Runs[R] = Runs()

    def operations(self) -> dict[tuple[str, str], Operation]:
        return self.jobs.operations() | {("sagemaker", f"Stop{self.jobs.kind.prefix}"): self.stop}

    def stop(self, request: Record, region: str) -> Record:
        """The answer to a Stop call. Raises ServiceError for a job that is over, or stopping already."""
        name = self.jobs.of_request(request, region).name
        self.jobs.change(name, self.begin_stopping)
        self.runs.stop(name)
        return {}

    def begin_stopping(self, record: Record, _now: float) -> None:
        begin_stopping(record, self.jobs.kind)

"""All that the emulator answers, put together over one state."""

from __future__ import annotations

from typing import Any, Protocol

from jobs.emulator.api.app import Answers, Operation
from jobs.emulator.endpoints.invocations import TIMEOUT_SECONDS, Invocations
from jobs.emulator.endpoints.models import EndpointConfigs, Models
from jobs.emulator.endpoints.operations import Endpoints
from jobs.emulator.endpoints.scaling import ApplicationScaling
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.service_quotas import ServiceQuotas
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.packages.operations import ModelPackages
from jobs.emulator.pipelines.executions import Executions
from jobs.emulator.pipelines.operations import Pipelines
from jobs.emulator.pipelines.work import Doers
from jobs.emulator.processing.operations import ProcessingJobs
from jobs.emulator.store.log_events import LogEvents
from jobs.emulator.store.tags import Tags
from jobs.emulator.training.operations import TrainingJobs
from jobs.emulator.transform.operations import TransformJobs
from jobs.emulator.tuning.operations import TuningJobs


class Group(Protocol):
    """Operations of one kind."""

    def operations(self) -> dict[tuple[str, str], Operation]: ...


def _merged(*groups: Group) -> dict[tuple[str, str], Operation]:
    return {key: handler for group in groups for key, handler in group.operations().items()}


class Services:
    """The services of one home, with all that runs for them."""

    def __init__(self, place: Workplace, invocation_seconds: float = TIMEOUT_SECONDS) -> None:
        self._rehearsal = place.rehearsal
        self.training = TrainingJobs(place)
        self.tuning = TuningJobs(place, self.training)
        packages = ModelPackages(place.state)
        models = Models(place, packages.packages)
        configs = EndpointConfigs(place, models.models)
        self.endpoints = Endpoints(place, models.models, configs.configs)
        self.transform = TransformJobs(place, models.models)
        self.processing = ProcessingJobs(place)
        runs: dict[str, Runs[Any]] = {
            "Training": self.training.runs,
            "Tuning": self.tuning.runs,
            "Transform": self.transform.runs,
            "Processing": self.processing.runs,
        }
        done_by = _merged(self.training, self.tuning, packages, models, self.transform, self.processing)
        self.executions = Executions(place, Doers(done_by, runs, place.storage, place.rehearsal.admit))
        invocations = Invocations(self.endpoints.endpoints, self.endpoints.runs, invocation_seconds)
        self._invoke = {"InvokeEndpoint": invocations.now, "InvokeEndpointAsync": invocations.later}
        jobs = (self.training, self.tuning, self.transform, self.processing, self.executions)
        self._all = (*jobs, packages, models, configs, self.endpoints, Pipelines(place, self.executions))
        self._running = (self.executions, self.tuning, self.training, self.transform, self.processing, self.endpoints)
        scaling = ApplicationScaling(place.state, self.endpoints.endpoints, self.endpoints.settle)
        self._also = (Tags(place.state), LogEvents(place.state), ServiceQuotas(place.rehearsal), scaling)

    def answers(self) -> Answers:
        return Answers(_merged(*self._all, *self._also), self._invoke, self._rehearsal.admit)

    def recover(self) -> None:
        """Settle or bring back what an earlier server left."""
        for group in (self.training, self.tuning, self.transform, self.processing, self.executions, self.endpoints):
            group.recover()

    @property
    def busy(self) -> bool:
        return self.endpoints.has_waiting or any(group.runs.busy for group in self._running)

    def shut_down(self) -> None:
        """End all that runs: pipelines and tuning first, so that they start no more jobs."""
        for group in self._running:
            group.runs.shut_down()

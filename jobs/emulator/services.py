"""All that the emulator answers, put together over one state."""

from __future__ import annotations

from jobs.emulator.api.app import Answers
from jobs.emulator.endpoints.invocations import TIMEOUT_SECONDS, Invocations
from jobs.emulator.endpoints.models import EndpointConfigs, Models
from jobs.emulator.endpoints.operations import Endpoints
from jobs.emulator.host.service_quotas import ServiceQuotas
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.processing.operations import ProcessingJobs
from jobs.emulator.store.log_events import LogEvents
from jobs.emulator.store.tags import Tags
from jobs.emulator.training.operations import TrainingJobs
from jobs.emulator.transform.operations import TransformJobs
from jobs.emulator.tuning.operations import TuningJobs


class Services:
    """The services of one home, with all that runs for them."""

    def __init__(self, place: Workplace, invocation_seconds: float = TIMEOUT_SECONDS) -> None:
        self._rehearsal = place.rehearsal
        self.training = TrainingJobs(place)
        self.tuning = TuningJobs(place, self.training)
        models = Models(place)
        configs = EndpointConfigs(place, models.models)
        self.endpoints = Endpoints(place, models.models, configs.configs)
        self.transform = TransformJobs(place, models.models)
        self.processing = ProcessingJobs(place)
        self._invoke = Invocations(self.endpoints.endpoints, self.endpoints.runs, invocation_seconds)
        self._all = (self.training, self.tuning, models, configs, self.endpoints, self.transform, self.processing)
        self._running = (self.tuning, self.training, self.transform, self.processing, self.endpoints)
        self._also = (Tags(place.state), LogEvents(place.state), ServiceQuotas(place.rehearsal))

    def answers(self) -> Answers:
        operations = {
            key: handler for group in (*self._all, *self._also) for key, handler in group.operations().items()
        }
        return Answers(operations, self._invoke, self._rehearsal.admit)

    def recover(self) -> None:
        """Settle or bring back what an earlier server left."""
        for group in (self.training, self.tuning, self.transform, self.processing, self.endpoints):
            group.recover()

    @property
    def busy(self) -> bool:
        return any(group.runs.busy for group in self._running)

    def shut_down(self) -> None:
        """End all that runs: tuning first, so that it starts no more training jobs."""
        for group in self._running:
            group.runs.shut_down()

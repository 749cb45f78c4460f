"""The life of a transform job: its instances, the objects dealt among them, the end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from jobs.contract.statuses import Ended
from jobs.emulator.host.rehearsal import TransformTrouble
from jobs.emulator.host.runs import Halt, failures_told
from jobs.emulator.host.workplace import CAPACITY, INTERRUPTED, Workplace
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.job_records import settle_job
from jobs.emulator.store.state import Record
from jobs.emulator.transform.instance import TransformInstance, deal
from jobs.emulator.transform.objects import Settings, reason_of, settings_of
from jobs.emulator.transform.record import begin_transform

_UNHEALTHY = "AlgorithmError: The container did not pass the ping health check; see the job's log"


class TransformRun:
    """One job on its way; `container` is what its model serves."""

    def __init__(
        self,
        place: Workplace,
        jobs: Collection,
        record: Record,
        container: Record,
        trouble: TransformTrouble,
    ) -> None:
        self._place, self._jobs, self._record, self._model, self._trouble = place, jobs, record, container, trouble
        self.name: str = record["TransformJobName"]
        count = record["TransformResources"]["InstanceCount"]
        self._instances = [TransformInstance(place, self.name, number) for number in range(1, count + 1)]
        self._halted = threading.Event()
        self._abandoned = False

    def run(self) -> None:
        with failures_told(self._finish):
            self._live()

    def halt(self, why: Halt) -> None:
        self._abandoned = self._abandoned or why == "abandon"
        self._halted.set()
        self._kill_all()

    def _kill_all(self) -> None:
        for instance in self._instances:
            instance.kill()

    def _live(self) -> None:
        self._halted.wait(self._trouble.start_seconds)
        if self._halted.is_set():
            self._conclude("")
            return
        if self._trouble.capacity_error:
            self._finish("Failed", CAPACITY)
            return
        settings = settings_of(self._record, self._trouble.fail_objects)
        try:
            reason = self._work(settings)
        finally:
            for instance in self._instances:
                instance.clear()
        self._conclude(reason)

    def _work(self, settings: Settings) -> str:
        """Why the job fails, empty where it does not. It begins when all instances are healthy."""
        environment = self._environment(settings)
        with ThreadPoolExecutor(len(self._instances)) as pool:
            list(pool.map(lambda instance: self._start(instance, environment), self._instances))
            if not all(pool.map(self._is_healthy, self._instances)):
                return _UNHEALTHY
            self._jobs.change(self.name, begin_transform)
            uri = self._record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
            shares = deal(self._place.storage.list_objects(uri), len(self._instances))
            if self._trouble.lose_instance:
                self._lose(self._trouble.lose_instance)
            met = pool.map(lambda one, share: one.transform(share, settings, self._halted), self._instances, shares)
            return reason_of(set().union(*met))

    def _start(self, instance: TransformInstance, environment: dict[str, str]) -> None:
        if not self._halted.is_set():
            instance.start(self._model["Image"], self._model.get("ModelDataUrl"), environment)

    def _is_healthy(self, instance: TransformInstance) -> bool:
        """One that is not ends the others' waiting."""
        healthy = instance.wait_healthy(self._halted)
        if not healthy:
            self._kill_all()
        return healthy

    def _lose(self, number: int) -> None:
        for instance in self._instances[number - 1 : number]:
            instance.kill()

    def _environment(self, settings: Settings) -> dict[str, str]:
        """It tells each container of the batch, as the developer guide documents."""
        environment = {
            **self._model.get("Environment", {}),
            **self._record.get("Environment", {}),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BATCH_STRATEGY": settings.strategy,
        }
        if settings.concurrent:
            environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(settings.concurrent)
        if settings.payload_mb:
            environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(settings.payload_mb)
        return environment

    def _conclude(self, reason: str) -> None:
        if self._abandoned:
            self._finish("Failed", INTERRUPTED)
        elif self._halted.is_set():
            self._finish("Stopped")
        else:
            self._finish("Failed" if reason else "Completed", reason)

    def _finish(self, ending: Ended, reason: str = "") -> None:
        settle_job(self._jobs, self.name, ending, reason)

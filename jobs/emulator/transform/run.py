"""The life of a transform job: a serving container, the objects, the end."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

from jobs.contract.log_lines import TRANSFORM_LOGS
from jobs.contract.statuses import Ended
from jobs.emulator.host.rehearsal import TransformTrouble
from jobs.emulator.host.runs import Halt, failures_told
from jobs.emulator.host.serving_container import STARTUP_SECONDS, ServingContainer, ServingPlan, start_serving
from jobs.emulator.host.workplace import CAPACITY, INTERRUPTED, Workplace
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.job_records import settle_job
from jobs.emulator.store.log_events import open_stream
from jobs.emulator.store.state import Record
from jobs.emulator.transform.objects import ObjectTransform, Settings, complete_settings, settings_of
from jobs.emulator.transform.record import begin_transform

_UNHEALTHY = "AlgorithmError: The container did not pass the ping health check; see the job's log"


def transform_folder(folder: Path, name: str) -> Path:
    return folder / "transform-jobs" / name


class TransformRun:
    """One job on its way; `container` is its model's PrimaryContainer."""

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
        self._folder = transform_folder(place.folder, self.name)
        self._stream = f"{self.name}/i-{uuid.uuid4().hex[:17]}-{int(time.time())}"
        self._halted = threading.Event()
        self._abandoned = False
        self._serving: ServingContainer | None = None

    def run(self) -> None:
        with failures_told(self._finish):
            self._live()

    def halt(self, why: Halt) -> None:
        self._abandoned = self._abandoned or why == "abandon"
        self._halted.set()
        serving = self._serving
        if serving is not None:
            serving.kill()  # answers that are still awaited end at once

    def _live(self) -> None:
        self._halted.wait(self._trouble.start_seconds)
        if self._halted.is_set():
            self._conclude("")
            return
        if self._trouble.capacity_error:
            self._finish("Failed", CAPACITY)
            return
        settings = settings_of(self._record, self._trouble.fail_objects)
        serving = self._serving = start_serving(self._place, self._plan(settings), _nothing)
        try:
            healthy = serving.wait_healthy(STARTUP_SECONDS, self._halted)
            reason = self._transform(serving, complete_settings(settings, serving)) if healthy else _UNHEALTHY
        finally:
            serving.kill()
            shutil.rmtree(self._folder / "container", ignore_errors=True)
        self._conclude(reason)

    def _transform(self, serving: ServingContainer, settings: Settings) -> str:
        self._jobs.change(self.name, begin_transform)
        uri = self._record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        path = self._folder / "data-log.jsonl"
        with closing(open_stream(self._place.state, TRANSFORM_LOGS, f"{self._stream}/data-log", path)) as writer:
            transform = ObjectTransform(self._place.storage, serving, settings, writer.write)
            return transform.run(self._place.storage.list_objects(uri), self._halted)

    def _plan(self, settings: Settings) -> ServingPlan:
        """The container's environment tells it of the batch, as the developer guide documents."""
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
        uri = self._model.get("ModelDataUrl")
        return ServingPlan(self._folder / "container", uri, TRANSFORM_LOGS, self._stream, environment)

    def _conclude(self, reason: str) -> None:
        if self._abandoned:
            self._finish("Failed", INTERRUPTED)
        elif self._halted.is_set():
            self._finish("Stopped")
        else:
            self._finish("Failed" if reason else "Completed", reason)

    def _finish(self, ending: Ended, reason: str = "") -> None:
        settle_job(self._jobs, self.name, ending, reason)


def _nothing() -> None:
    """A batch notices a container's end by its answers."""

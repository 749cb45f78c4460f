"""One instance of a transform job: a container of its own, its log streams, its share of the objects."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from jobs.contract.log_lines import TRANSFORM_LOGS
from jobs.emulator.host.container import kill_survivor
from jobs.emulator.host.serving_container import STARTUP_SECONDS, ServingContainer, ServingPlan, start_serving
from jobs.emulator.host.storage import StoredObject
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.log_events import open_stream
from jobs.emulator.transform.objects import Failure, ObjectTransform, Settings, complete_settings

_CONTAINER = "container"


def transform_folder(folder: Path, name: str) -> Path:
    return folder / "transform-jobs" / name


def kill_survivors(folder: Path, name: str) -> None:
    """End what outlived the server that had started a job's containers."""
    for container in transform_folder(folder, name).glob(f"*/{_CONTAINER}"):
        kill_survivor(container)


def deal(objects: Sequence[StoredObject], instances: int) -> list[Sequence[StoredObject]]:
    """The objects of each instance: every one whole on one of them, in the order of their keys by turns. Fewer objects
    than instances leave some idle (developer guide: files are mapped to instances by key). Which goes where is not
    documented."""
    return [objects[number::instances] for number in range(instances)]


class TransformInstance:
    """The instance of a job with this number, from 1; its streams are named as AWS names them."""

    def __init__(self, place: Workplace, job: str, number: int) -> None:
        self._place = place
        self._folder = transform_folder(place.folder, job) / f"instance-{number}"
        self._stream = f"{job}/i-{uuid.uuid4().hex[:17]}-{int(time.time())}"
        self._serving: ServingContainer | None = None

    def start(self, image: str, model_uri: str | None, environment: Mapping[str, str]) -> None:
        """Raises SagesegError for a model that cannot be had."""
        container = self._folder / _CONTAINER
        plan = ServingPlan(container, image, model_uri, TRANSFORM_LOGS, self._stream, environment)
        self._serving = start_serving(self._place, plan, _nothing)

    def wait_healthy(self, halted: threading.Event) -> bool:
        return self._serving is not None and self._serving.wait_healthy(STARTUP_SECONDS, halted)

    def transform(self, objects: Sequence[StoredObject], settings: Settings, halted: threading.Event) -> set[Failure]:
        """Send its objects through its container, with a data log of its own; the kinds of failures met."""
        if self._serving is None:
            raise RuntimeError("an instance was given objects before it was started")
        stream, path = f"{self._stream}/data-log", self._folder / "data-log.jsonl"
        with closing(open_stream(self._place.state, TRANSFORM_LOGS, stream, path)) as writer:
            completed = complete_settings(settings, self._serving)
            return ObjectTransform(self._place.storage, self._serving, completed, writer.write).run(objects, halted)

    def kill(self) -> None:
        """End its container at once; answers that are still awaited end too."""
        if self._serving is not None:
            self._serving.kill()

    def clear(self) -> None:
        """Nothing of its container stays but its log."""
        self.kill()
        shutil.rmtree(self._folder / _CONTAINER, ignore_errors=True)


def _nothing() -> None:
    """A batch notices a container's end by its answers."""

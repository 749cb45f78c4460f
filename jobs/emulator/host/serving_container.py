"""A serving container: the model unpacked, the program started, its health and its answers.

The container contract is SageMaker's: `GET /ping`, `POST /invocations` and, for batch,
`GET /execution-parameters` on the port in SAGEMAKER_BIND_TO_PORT, the model in `/opt/ml/model`.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.emulator.container_http import HOST, Answer, NoAnswerError, ask
from jobs.emulator.host.container import Container, start_container
from jobs.emulator.host.unpack import unpack_model
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.log_events import LogWriter, open_stream

PING_SECONDS = 2.0
"""What a container has to answer a ping (developer guide)."""
_MAX_PING_BYTES = 2**16
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ServingPlan:
    """What a serving container needs: an empty folder of its own, the artefact's URI, its log's
    group and stream, and further environment variables."""

    folder: Path
    model_uri: str | None
    log_group: str
    log_stream: str
    environment: Mapping[str, str]


class ServingContainer:
    """A serving program that was started; `ended` is called when it is gone."""

    def __init__(self, container: Container, port: int, writer: LogWriter, ended: Callable[[], None]) -> None:
        self._container, self._port, self._ended = container, port, ended
        self._log = threading.Thread(target=self._follow, args=(writer,), daemon=True)
        self._log.start()

    def _follow(self, writer: LogWriter) -> None:
        try:
            for line in filter(None, self._container.lines()):
                writer.write(line)
            self._container.wait()  # its output may end before it does
        finally:
            writer.close()
            self._ended()

    @property
    def alive(self) -> bool:
        return not self._container.ended

    def wait_healthy(self, seconds: float, given_up: threading.Event) -> bool:
        """Whether it answers pings within so many seconds, while it lives and nobody gives up."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline and not given_up.is_set():
            if self._ping():
                return self.alive
            given_up.wait(_POLL_SECONDS)
        return False

    def _ping(self) -> bool:
        try:
            return self.ask("GET", "/ping", seconds=PING_SECONDS, limit=_MAX_PING_BYTES).status == 200
        except NoAnswerError:
            return False

    def ask(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        limit: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises NoAnswerError; see `container_http.ask`."""
        return ask(self._port, method, path, seconds=seconds, limit=limit, body=body, headers=headers)

    def kill(self) -> None:
        """End it at once, with its children, and see its log out."""
        self._container.kill()
        self._container.wait()
        self._log.join()


def start_serving(place: Workplace, plan: ServingPlan, ended: Callable[[], None]) -> ServingContainer:
    """Unpack the model and start the program. Raises SagesegError for a model that cannot be had."""
    shutil.rmtree(plan.folder, ignore_errors=True)
    model = plan.folder / "ml" / "model"
    model.mkdir(parents=True)
    if plan.model_uri is not None:
        with place.storage.local_file(plan.model_uri, plan.folder / "model.tar.gz") as archive:
            unpack_model(archive, model)
    port = _free_port()
    environment = {**plan.environment, "SAGEMAKER_BIND_TO_PORT": str(port), "SAGESEG_BIND_TO_HOST": HOST}
    writer = open_stream(place.state, plan.log_group, plan.log_stream, plan.folder.with_suffix(".jsonl"))
    try:
        container = start_container(place.programs.serve(model.parent), plan.folder, environment)
    except OSError:
        writer.close()
        raise
    return ServingContainer(container, port, writer, ended)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
    return port

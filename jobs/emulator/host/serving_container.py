"""A serving container: the model unpacked, the program started, its health and its answers.

The container contract is SageMaker's: `GET /ping`, `POST /invocations` and, for batch,
`GET /execution-parameters`, the model in `/opt/ml/model`. It listens at a file of its folder, to which
no other user of this machine can connect, in place of the port in SAGEMAKER_BIND_TO_PORT.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from jobs.contract.artefact import BEST, ONNX
from jobs.contract.registry import is_builtin
from jobs.emulator.host.container import Container, start_container
from jobs.emulator.host.unpack import unpack_model
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.log_events import LogWriter, open_stream

SOCKET = "serving.socket"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
STARTUP_SECONDS = 480
"""How long a container may take to answer its first ping; inferred from AWS's "within 8 minutes"."""
PING_SECONDS = 2.0
"""What a container has to answer a ping (developer guide)."""
_POLL_SECONDS = 0.05
_OPEN_FOLDERS = Path("/proc/self/fd")
_LONGEST_PATH = 103
"""Bytes of a path to a socket, where there is no shorter name for its folder (macOS)."""
_MAX_PING_BYTES = 2**16
_READ_BYTES = 2**18
"""Of an answer at a time; the deadline is looked at in between."""


@dataclass(frozen=True)
class ServingPlan:
    """What a serving container needs: an empty folder of its own, the image whose rules hold, the artefact's URI, its
    log's group and stream, and further environment variables."""

    folder: Path
    image: str
    model_uri: str | None
    log_group: str
    log_stream: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a container answered. `body` ends one byte behind the limit where it is longer."""

    status: int
    content_type: str
    attributes: str | None
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


class NoAnswerError(Exception):
    """The container did not answer: `late` when its time was over, else it closed the connection."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("late" if late else "closed")
        self.late = late


def start_serving(place: Workplace, plan: ServingPlan, ended: Callable[[], None]) -> ServingContainer:
    """Unpack the model and start the program. Raises SagesegError for a model that cannot be had."""
    if not _OPEN_FOLDERS.exists() and len(os.fsencode(plan.folder / SOCKET)) > _LONGEST_PATH:
        raise SagesegError(f"{plan.folder}: too long for a socket; set SAGESEG_HOME to a shorter path")
    shutil.rmtree(plan.folder, ignore_errors=True)
    model = plan.folder / "ml" / "model"
    model.mkdir(parents=True)
    if plan.model_uri is not None:
        with place.storage.local_file(plan.model_uri, plan.folder / "model.tar.gz") as archive:
            unpack_model(archive, model)
    if is_builtin(plan.image) and (model / ONNX).exists() and not (model / BEST).exists():  # inferred
        raise SagesegError(f"The container of {plan.image} reads no {ONNX}, and model.tar.gz holds no {BEST}.")
    environment = {**plan.environment, "SAGEMAKER_BIND_TO_PORT": "8080", "SAGESEG_BIND_TO_SOCKET": SOCKET}
    writer = open_stream(place.state, plan.log_group, plan.log_stream, plan.folder.with_suffix(".jsonl"))
    try:
        container = start_container(place.programs.serve(model.parent), plan.folder, environment)
    except OSError:
        writer.close()
        raise
    return ServingContainer(container, plan.folder, writer, ended)


class _Connection(http.client.HTTPConnection):
    """A connection to the socket in a folder, by a short name for it where there is one: a path to a socket has some
    hundred bytes at most."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._folder = folder

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        number = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            short = _OPEN_FOLDERS / str(number)
            self.sock.connect(str((short if short.exists() else self._folder) / SOCKET))
        finally:
            os.close(number)
        self.sock.settimeout(self.timeout)  # before, a program that is behind with accepting would refuse


class ServingContainer:
    """A serving program that was started; `ended` is called when it is gone."""

    def __init__(self, container: Container, folder: Path, writer: LogWriter, ended: Callable[[], None]) -> None:
        self._container, self._folder, self._ended = container, folder, ended
        self._log = threading.Thread(target=self._follow, args=(writer,), daemon=True)
        self._log.start()

    def _follow(self, writer: LogWriter) -> None:
        try:
            for line in filter(None, self._container.lines()):
                writer.write(line)
            ending = self._container.ending()  # its output may end before it does
            if ending:
                writer.write(f"the container was {ending}")
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
        """One request, and at most `limit` + 1 bytes of its answer. Raises NoAnswerError after so many
        seconds, and where the container closes the connection."""
        deadline = time.monotonic() + seconds
        connection = _Connection(self._folder, seconds)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                response.status,
                response.headers.get("Content-Type", ""),
                response.headers.get(ATTRIBUTES),
                _read(connection, response, deadline, limit),
            )
        except TimeoutError as e:
            raise NoAnswerError(late=True) from e
        except (OSError, http.client.HTTPException) as e:
            raise NoAnswerError(late=False) from e
        finally:
            connection.close()

    def kill(self) -> None:
        """End it at once, with its children, and see its log out."""
        self._container.kill()
        self._container.wait()
        self._log.join()


def _read(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline: float, limit: int
) -> bytes:
    """The body up to one byte more than the limit; a container that trickles is cut off."""
    parts: list[bytes] = []
    missing = limit + 1
    while missing and (part := response.read(min(missing, _READ_BYTES))):
        parts.append(part)
        missing -= len(part)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:  # None once the response has taken the socket over
            connection.sock.settimeout(left)
    return b"".join(parts)

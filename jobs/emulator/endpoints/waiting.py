"""The queue of an asynchronous endpoint: requests wait, are worked on in their order, and their answers are written.

Each lies in the endpoint's folder until it is answered, so that the next server goes on with those that wait.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from formats.console import say
from formats.disk.private_files import FOLDER, write_private
from formats.errors import SagesegError
from formats.texts.typed_json import parse_as
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.emulator.endpoints.model_errors import CLOSED, TIMED_OUT, model_error_text
from jobs.emulator.host.serving_container import NoAnswerError, ServingContainer
from jobs.emulator.host.storage import Storage, StoredObject
from jobs.emulator.store.state import Resource

MAX_BYTES = 2**30
"""Of a request and of an answer (developer guide)."""
AT_A_TIME = 4
"""Requests that a container is sent at a time where ClientConfig does not say; SageMaker chooses a number itself."""


@dataclass(frozen=True)
class Waiting:
    """One request. Its input is at `uri`; what comes of it goes to the URI `answer`, or where it failed to `failure`,
    which is empty where nobody is told. `until` is when it has waited too long, in epoch seconds; `seconds` is how long
    it may be worked on."""

    id: str
    uri: str
    headers: dict[str, str]
    answer: str
    failure: str
    until: float
    seconds: float


@dataclass(frozen=True)
class Worker:
    """Who answers: a container as soon as there is one, and whether it is all over with this server."""

    wait_serving: Callable[[float], ServingContainer | None]
    count: Callable[[int], None]
    is_over: Callable[[], bool]
    endpoint: Callable[[], Resource | None]


class WaitingRequests:
    """The requests of one endpoint."""

    def __init__(self, folder: Path, storage: Storage, worker: Worker) -> None:
        self._folder, self._storage, self._worker = folder, storage, worker
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def put(self, request: Waiting, at_a_time: int) -> None:
        """The last in the queue."""
        self._folder.mkdir(FOLDER, exist_ok=True)
        write_private(self._path(request.id), json.dumps(asdict(request)))
        self._submit(request, at_a_time)

    def take_up(self, at_a_time: int) -> None:
        """Those that an earlier server left, the oldest first."""
        for path in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            try:
                self._submit(parse_as(path.read_bytes(), Waiting, path, "it is given up"), at_a_time)
            except SagesegError as e:
                say(f"warning: {e}")
                path.unlink()

    def close(self) -> None:
        """Nothing is begun any more."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _submit(self, request: Waiting, at_a_time: int) -> None:
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(at_a_time)
            self._worker.count(1)
            self._pool.submit(self._work, request)

    def _work(self, request: Waiting) -> None:
        try:
            uri, content = request.answer, self._answer(request)
        except _NotNowError:
            return  # the next server's
        except SagesegError as e:
            uri, content = request.failure, str(e).encode()
        if uri:
            place, _, name = uri.rpartition("/")
            try:
                self._storage.write(content, place, name)
            except SagesegError as e:  # nobody else can be told
                say(f"warning: {e}")
        self._path(request.id).unlink(missing_ok=True)
        self._worker.count(-1)

    def _answer(self, request: Waiting) -> bytes:
        """Raises SagesegError with what is said of a failure."""
        serving = self._worker.wait_serving(max(request.until - time.time(), 0))
        endpoint = self._worker.endpoint()
        if self._worker.is_over() or endpoint is None:
            raise _NotNowError
        if serving is None:
            raise SagesegError(f"Inference request {request.id} expired: it waited for too long")
        path = file_uri_path(request.uri) if is_file_uri(request.uri) else None
        body = self._storage.read(StoredObject("", request.uri, path), MAX_BYTES)
        if len(body) > MAX_BYTES:
            raise SagesegError(f"{request.uri}: over the limit of {MAX_BYTES} bytes")
        try:
            answer = serving.ask(
                "POST", "/invocations", seconds=request.seconds, limit=MAX_BYTES, body=body, headers=request.headers
            )
        except NoAnswerError as e:
            if self._worker.is_over():
                raise _NotNowError from e
            raise SagesegError(model_error_text(endpoint, 0, TIMED_OUT if e.late else CLOSED)) from e
        if not answer.good:
            raise SagesegError(model_error_text(endpoint, answer.status, answer.body.decode("utf-8", "replace")))
        return answer.body


class _NotNowError(Exception):
    """The server ends, and the request stays in the queue."""

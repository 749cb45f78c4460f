"""The serving container's HTTP: `/ping`, `/invocations`, `/execution-parameters`.

Developer guide, "Use Your Own Inference Code with Hosting Services" and "… with Batch Transform".
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.parallel import available_cores
from formats.web.connections import create_server
from jobs.algorithm.inference.model import Model, open_model
from jobs.algorithm.inference.within_memory import WithinMemory
from jobs.algorithm.machine.memory_errors import is_out_of_memory
from jobs.algorithm.serving.replies import MAX_BYTES, RequestError, invoke
from jobs.algorithm.serving.shared_batches import SharedBatches
from jobs.contract.artefact import read_model_folder

PORT, SOCKET = "SAGEMAKER_BIND_TO_PORT", "SAGESEG_BIND_TO_SOCKET"
"""Where it listens: at a port, or instead at a file that its owner alone can connect to."""
WAITING = 30
"""Further requests that wait for their turn without keeping a ping waiting; SageMaker gives that 2 seconds."""
PAYLOAD_MB, BATCH_MB = 10, 100
"""What the built-in's container advertises as the largest payload of batch transform, and what SageMaker allows a
payload times the images at a time (API reference, CreateTransformJob)."""
_ANY_HOST = "0.0.0.0"  # noqa: S104 (a container is reached from outside)
_TEXT = "text/plain; charset=utf-8"

Answer = tuple[int, str, bytes]
"""Status, content type, body."""
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def serve_model(folder: Path) -> None:
    """Serve the unpacked artefact in `folder` until SIGTERM. Raises SagesegError for a model that
    cannot be loaded, or an address that cannot be had."""
    model = WithinMemory(open_model(read_model_folder(folder), "serving"))
    threads = images_at_a_time(model) + WAITING
    port, file = os.environ.get(PORT, "8080"), os.environ.get(SOCKET)
    signal.signal(signal.SIGTERM, _leave)
    place = {"unix_socket": file, "unix_socket_perms": "600"} if file else {"host": _ANY_HOST, "port": port}
    address = file or f"{_ANY_HOST}:{port}"
    try:
        server = create_server(
            make_application(model), **place, threads=threads, max_request_body_size=MAX_BYTES, ident=None
        )
    except (OSError, ValueError) as e:
        cure = f"set {SOCKET} to a shorter path in a folder of yours" if file else f"set {PORT} to a free port"
        raise SagesegError(f"{address}: cannot be listened on ({e}); {cure}") from e
    logging.getLogger(__name__).info("serving on %s", address)
    server.run()


def _leave(*_: object) -> None:
    raise SystemExit(0)  # waitress closes its sockets on it


def images_at_a_time(model: Model) -> int:
    """Images that are decoded, in the network or encoded at a time: enough to keep the network busy, and every core."""
    return max(2 * model.streams, available_cores())


def execution_parameters(model: Model) -> dict[str, Any]:
    """What batch transform is told: how many images of which size to send at a time."""
    concurrent = min(images_at_a_time(model), BATCH_MB // PAYLOAD_MB)
    return {"MaxConcurrentTransforms": concurrent, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": PAYLOAD_MB}


def make_application(model: Model) -> Application:
    """The WSGI application that answers with a model, which is asked from several threads."""
    service = _Service(
        SharedBatches(model), threading.BoundedSemaphore(images_at_a_time(model)), execution_parameters(model)
    )

    def application(request: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, content_type, body = _answer(service, request)
        except RequestError as e:
            status, content_type, body = e.status, _TEXT, str(e).encode()
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    return application


@dataclass(frozen=True)
class _Service:
    """A model, the turns of the images that are worked on, and what `/execution-parameters` tells."""

    model: SharedBatches
    turns: threading.BoundedSemaphore
    parameters: Mapping[str, Any]


def _answer(service: _Service, request: dict[str, Any]) -> Answer:
    method, path = request["REQUEST_METHOD"], request["PATH_INFO"]
    match (method, path):
        case ("GET", "/ping"):
            return 200, _TEXT, b""
        case ("GET", "/execution-parameters"):
            return 200, "application/json", json.dumps(service.parameters).encode()
        case ("POST", "/invocations"):
            return _invocation(service, request)
        case (_, "/ping" | "/execution-parameters" | "/invocations"):
            raise RequestError(405, f"{method} {path} is not served; POST /invocations, GET the others")
    raise RequestError(404, f"{path} is not served; expected /ping, /invocations or /execution-parameters")


def _invocation(service: _Service, request: dict[str, Any]) -> Answer:
    try:
        with service.turns:  # the body too: until it is read, waitress keeps it on disk
            body = request["wsgi.input"].read()
            content, accept = request.get("CONTENT_TYPE", ""), request.get("HTTP_ACCEPT", "")
            content_type, answer = invoke(service.model, body, content, accept)
    except (MemoryError, RuntimeError, SagesegError) as e:
        if is_out_of_memory(e):
            raise RequestError(500, "the image takes more memory than there is; send it in crops") from e
        logging.getLogger(__name__).exception("the network failed")
        reason = f"{type(e).__name__}: {e}".splitlines()[0]
        raise RequestError(500, f"the network failed: {reason}") from e
    return 200, content_type, answer

"""The HTTP surface: a WSGI application that hands each request to the operation it names."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from formats.errors import SagesegError
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.emulator.api import wire
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.api.signature import check_signature
from jobs.emulator.keys import Keys
from jobs.emulator.presence import CHALLENGE, HEALTH_PATH

MAX_JSON_BYTES = 2**20
"""Largest body of a JSON request; the largest real one, CreateTrainingJob, stays far below."""
TOO_LARGE = "RequestEntityTooLargeException"
DEFAULT_REGION = "us-east-1"

_INVOCATION = re.compile(r"/endpoints/([^/]+)/((?:async-)?invocations)")
_RUNTIME = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}
"""SageMaker Runtime's operations, by the end of their paths."""

Operation = Callable[[dict[str, Any], str], dict[str, Any]]
"""An operation of a service: takes the checked request and the caller's region."""
Environ = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Invoke = Callable[[Mapping[str, Any], str], Reply]
"""An operation of SageMaker Runtime: takes the checked request and the caller's region."""


@dataclass(frozen=True)
class Answers:
    """What the server answers: operations by (service, name), those of SageMaker Runtime by name, and `admit`, which
    raises ServiceError for a call that is to be throttled."""

    operations: Mapping[tuple[str, str], Operation]
    invoke: Mapping[str, Invoke]
    admit: Callable[[str], None]


class EmulatorApp:
    """The WSGI application, which answers whoever signs with the keys; without them, only whether it lives.
    `last_active` (monotonic seconds) is when the last request came or was answered."""

    def __init__(
        self,
        answers: Answers,
        keys: Keys,
        prove_alive: Callable[[str], str],
        hosts: frozenset[str] | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._answers, self._keys, self._prove, self._hosts, self._clock = answers, keys, prove_alive, hosts, clock
        self._lock = threading.Lock()
        self._asked = 0
        self.last_active = time.monotonic()

    def touch(self) -> None:
        self.last_active = time.monotonic()

    def idle_seconds(self) -> float:
        """How long ago the last request was answered; none while one is."""
        return 0.0 if self._asked else time.monotonic() - self.last_active

    def _count(self, change: int) -> None:
        with self._lock:
            self._asked += change
        self.touch()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self._count(1)
        try:
            reply = self._answer(environ)
        finally:
            self._count(-1)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
            *reply.headers,
        ]
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
        return [reply.body]

    def _answer(self, environ: Environ) -> Reply:
        invocation = _INVOCATION.fullmatch(environ["PATH_INFO"])
        if invocation and environ["REQUEST_METHOD"] == "POST":
            return self._invoke(_RUNTIME[invocation[2]], invocation[1], environ)
        service = None
        try:
            refuse_pages(environ, self._hosts)
            if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"] == HEALTH_PATH:
                return self._health(environ.get(f"HTTP_{CHALLENGE.upper().replace('-', '_')}", ""))
            body = self._signed_body(environ, MAX_JSON_BYTES)
            _check_route(environ)
            service, operation = wire.parse_target(environ.get("HTTP_X_AMZ_TARGET", ""))
            with _bugs_told(operation):
                return self._operate(service, operation, body, _region(environ))
        except ServiceError as fault:
            return Reply(fault.status, wire.CONTENT_TYPE, wire.render_fault(fault, service))

    def _health(self, challenge: str) -> Reply:
        """That it lives and, to whoever knows the keys, that it is the one they are of: nothing else is told."""
        return Reply(200, "application/json", json.dumps({"proof": self._prove(challenge)}).encode())

    def _signed_body(self, environ: Environ, limit: int) -> bytes:
        body = _read_body(environ, limit)
        check_signature(environ, body, self._keys, self._clock())
        return body

    def _operate(self, service: str, operation: str, body: bytes, region: str) -> Reply:
        handler = self._answers.operations.get((service, operation))
        if handler is None:
            raise ServiceError("UnknownOperationException", f"{operation} is not emulated")
        request = wire.parse_request(service, operation, body)
        self._answers.admit(operation)
        try:
            response = handler(request, region)
        except SagesegError as e:
            raise invalid(str(e)) from e
        return Reply(200, wire.CONTENT_TYPE, wire.render_response(service, operation, response))

    def _invoke(self, operation: str, endpoint: str, environ: Environ) -> Reply:
        try:
            refuse_pages(environ, self._hosts)
            body = self._signed_body(environ, MAX_INVOCATION_BYTES)
            request = wire.parse_invocation(operation, endpoint, _headers(environ), body)
            self._answers.admit(operation)
            with _bugs_told(operation):
                return self._answers.invoke[operation](request, _region(environ))
        except ServiceError as fault:
            code = () if fault.code == TOO_LARGE else (("x-amzn-ErrorType", fault.code),)  # real ones carry no code
            return Reply(fault.status, "application/json", wire.render_rest_fault(fault), code)


@contextmanager
def _bugs_told(operation: str) -> Iterator[None]:
    """What fails here that no client can mend, a full disk above all, is AWS's InternalFailure with the reason."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as e:
        logging.getLogger(__name__).exception("%s failed", operation)
        reason = f"{type(e).__name__}: {e}".splitlines()[0]
        raise ServiceError("InternalFailure", f"the emulator failed: {reason}; see its server.log", 500) from e


def refuse_pages(environ: Environ, hosts: frozenset[str] | None) -> None:
    """Raise ServiceError for what a browser sends, whose pages are anybody's; and, with `hosts`, for a request to any
    other host: no page reaches a server on this machine through a name of its own (DNS rebinding)."""
    if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:
        raise ServiceError("AccessDeniedException", "Requests of web pages are not answered", 403)
    given = environ.get("HTTP_HOST", "")
    try:
        host = urlsplit(f"//{given}").hostname
    except ValueError:  # half of an IPv6 address
        host = None
    if hosts is not None and host not in hosts:
        raise ServiceError("AccessDeniedException", f"Host {given!r} is not this server", 403)


def _check_route(environ: Environ) -> None:
    if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] not in ("", "/"):
        where = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        raise ServiceError("UnknownOperationException", f"{where} is not emulated; expected POST /", 404)


def _read_body(environ: Environ, limit: int) -> bytes:
    """The body, whole: waitress has buffered it and set its length, chunked or not."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > limit:
        raise ServiceError(TOO_LARGE, f"HTTP content length exceeded {limit} bytes.", 413)
    content: bytes = environ["wsgi.input"].read(length)
    return content


def _headers(environ: Environ) -> dict[str, str]:
    """The request's headers by their names in lower case."""
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    given = environ.get("CONTENT_TYPE")
    return headers | ({"content-type": given} if given else {})


def _region(environ: Environ) -> str:
    """The region that the client signed for: `Credential=<key>/<date>/<region>/…`."""
    match = re.search(r"Credential=[^/]*/\d{8}/([a-z0-9-]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return str(match[1]) if match else DEFAULT_REGION

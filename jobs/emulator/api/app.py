"""The HTTP surface: a WSGI application that hands each request to the operation it names."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from formats.errors import SagesegError
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.emulator.api import wire
from jobs.emulator.api.faults import ServiceError, invalid
from jobs.emulator.presence import HEALTH_PATH

MAX_JSON_BYTES = 2**20
"""Largest body of a JSON request; the largest real one, CreateTrainingJob, stays far below."""
TOO_LARGE = "RequestEntityTooLargeException"
DEFAULT_REGION = "us-east-1"

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")

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
"""InvokeEndpoint: takes the checked request and the caller's region."""


@dataclass(frozen=True)
class Answers:
    """What the server answers: operations by (service, name), invocations, and `admit`, which
    raises ServiceError for a call that is to be throttled."""

    operations: Mapping[tuple[str, str], Operation]
    invoke: Invoke
    admit: Callable[[str], None]


class EmulatorApp:
    """The WSGI application. `last_active` (monotonic seconds) is when the last request came.

    With `hosts`, requests to any other host are refused: so that no web page can reach a server
    on this machine through a name of its own (DNS rebinding).
    """

    def __init__(self, answers: Answers, health: Mapping[str, Any], hosts: frozenset[str] | None) -> None:
        self._answers, self._health, self._hosts = answers, health, hosts
        self.last_active = time.monotonic()

    def touch(self) -> None:
        self.last_active = time.monotonic()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.touch()
        reply = self._answer(environ)
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
            return self._invoke(invocation[1], environ)
        service = None
        try:
            self._check_host(environ)
            if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"] == HEALTH_PATH:
                return Reply(200, "application/json", json.dumps(self._health).encode())
            _check_route(environ)
            service, operation = wire.parse_target(environ.get("HTTP_X_AMZ_TARGET", ""))
            return self._operate(service, operation, environ)
        except ServiceError as fault:
            return Reply(fault.status, wire.CONTENT_TYPE, wire.render_fault(fault, service))

    def _operate(self, service: str, operation: str, environ: Environ) -> Reply:
        handler = self._answers.operations.get((service, operation))
        if handler is None:
            raise ServiceError("UnknownOperationException", f"{operation} is not emulated")
        request = wire.parse_request(service, operation, _read_body(environ, MAX_JSON_BYTES))
        self._answers.admit(operation)
        try:
            response = handler(request, _region(environ))
        except SagesegError as e:
            raise invalid(str(e)) from e
        return Reply(200, wire.CONTENT_TYPE, wire.render_response(service, operation, response))

    def _invoke(self, endpoint: str, environ: Environ) -> Reply:
        try:
            self._check_host(environ)
            body = _read_body(environ, MAX_INVOCATION_BYTES)
            request = wire.parse_invocation(endpoint, _headers(environ), body)
            self._answers.admit("InvokeEndpoint")
            return self._answers.invoke(request, _region(environ))
        except ServiceError as fault:
            code = () if fault.code == TOO_LARGE else (("x-amzn-ErrorType", fault.code),)  # real ones carry no code
            return Reply(fault.status, "application/json", wire.render_rest_fault(fault), code)

    def _check_host(self, environ: Environ) -> None:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
        if self._hosts is not None and host not in self._hosts:
            raise ServiceError("AccessDeniedException", f"Host {host!r} is not this server", 403)


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

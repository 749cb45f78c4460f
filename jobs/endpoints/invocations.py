"""Invocations of an endpoint, tried again as long as that may help."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from time import sleep
from typing import Any

from aws.clients import NetworkError, aws_errors
from aws.errors import AwsError
from formats.errors import SagesegError
from jobs.backends import Place, make_client
from jobs.contract.invocation import ASYNC_BYTES, ENDPOINT_BYTES, PROTOBUF_TYPES, SERVERLESS_BYTES
from jobs.contract.log_lines import endpoint_logs
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.endpoints.parts import ENDPOINT, Capacity, describe_part
from jobs.endpoints.queued import FIRST_PAUSE, Queue
from jobs.endpoints.stores import open_store

TRIES = 8
_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 20.0
_TRANSIENT = re.compile(r"Throttl|TooManyRequests|ServiceUnavailable|Internal|ModelNotReady|^5\d\d$|^429$")
_SERVER_ERROR = "Received server error"
"""How SageMaker words that the container failed, and not the request (public issues)."""
_TOO_LARGE = re.compile(r"^413$|TooLarge|content length exceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Caller:
    """A way to ask an endpoint, at once or by its queue. One may be shared by many threads. `takes` and `answers` are
    the bytes of an image and of an answer at most, `more` is what else helps an endpoint that has too much to do."""

    name: str
    runtime: Any
    queue: Queue | None = None
    takes: int = ENDPOINT_BYTES
    answers: int = MAX_INVOCATION_BYTES
    more: str = ""

    def give_up(self) -> None:
        """Nobody waits for answers any more, which may be hours away."""
        if self.queue:
            self.queue.given_up.set()

    def ask(self, body: bytes, accept: str, what: str, tries: int = TRIES) -> bytes:
        """The answer to an image. Throttling, failures of the service and of the container, and
        connections that break are tried again, each time after a longer wait with chance in it.

        Raises SagesegError in one line, with the next step.
        """
        for number in range(tries):
            try:
                return self.ask_once(body, accept)
            except SagesegError as e:
                if number == tries - 1 or not is_transient(e):
                    raise self._explain(e, len(body), what, number + 1) from e
            sleep(random.uniform(0.5, 1) * min(_FIRST_SECONDS * 2**number, _LONGEST_SECONDS))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    def ask_once(self, body: bytes, accept: str) -> bytes:
        """Raises SagesegError for whatever is no answer."""
        if self.queue:
            return self.queue.ask(self.runtime, self.name, body, accept)
        with aws_errors(f"asking endpoint {self.name}"):
            answer = self.runtime.invoke_endpoint(
                EndpointName=self.name, ContentType="image/jpeg", Accept=accept, Body=body
            )
            content: bytes = answer["Body"].read()
        return content

    def _explain(self, error: SagesegError, size: int, what: str, tries: int) -> SagesegError:
        if not isinstance(error, AwsError):
            return error
        if is_gone(error):
            return SagesegError(gone(self.name))
        if _TOO_LARGE.search(f"{error.code} {error.reason}"):
            return SagesegError(
                f"{what}: {size} bytes are more than endpoint {self.name} takes; cut it with a smaller --crop, or "
                "predict with --via batch or artefact"
            )
        if is_transient(error):
            return SagesegError(
                f"{what}: {error}; asked {tries} times; ask fewer at a time (--parallel 1){self.more}, or predict with "
                f"--via artefact; the container's log is {endpoint_logs(self.name)}"
            )
        return error


def open_caller(place: Place, name: str, capacity: Capacity) -> Caller:
    """For an endpoint of this capacity."""
    cold = capacity.serverless is not None
    runtime = make_client("sagemaker-runtime", place.backend, place.region, once=True, cold=cold)
    if capacity.answers_uri:
        store = open_store(capacity.answers_uri, place.region, capacity.kms_key)
        queue = Queue(capacity.answers_uri, store, FIRST_PAUSE[place.backend], lambda: _check_there(place, name))
        return Caller(name, runtime, queue, ASYNC_BYTES, ASYNC_BYTES)
    if cold:
        more = ", deploy it with a larger --max-concurrency"
        return Caller(name, runtime, None, SERVERLESS_BYTES, SERVERLESS_BYTES, more)
    return Caller(name, runtime)


def _check_there(place: Place, name: str) -> None:
    found = describe_part(place.sagemaker, ENDPOINT, name)
    if found is None or found["EndpointStatus"] == "Deleting":
        raise SagesegError(gone(name))


def is_transient(error: SagesegError) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, NetworkError):
        return True
    if not isinstance(error, AwsError):
        return False
    if error.code == "ModelError":
        return _SERVER_ERROR in error.reason
    return _TRANSIENT.search(error.code) is not None


def is_gone(error: AwsError) -> bool:
    return error.code in ("ValidationError", "ValidationException") and "not found" in error.reason


def gone(name: str, job: str = "JOB") -> str:
    """What is said of an endpoint that is not there, or not any more; `job` is what it would serve."""
    return (
        f"endpoint {name}: not there, or deleted meanwhile; sageseg jobs deploy {job} makes one, and --via artefact "
        "needs none"
    )


def find_accept(caller: Caller, body: bytes, what: str) -> tuple[str, bytes]:
    """The name under which an endpoint answers probabilities, and its first answer."""
    first, second = PROTOBUF_TYPES
    try:
        return first, caller.ask(body, first, what, tries=2)
    except SagesegError as e:
        reason = e if isinstance(e, AwsError) else e.__cause__
        if not (isinstance(reason, AwsError) and reason.code == "ModelError"):
            raise
    return second, caller.ask(body, second, what)

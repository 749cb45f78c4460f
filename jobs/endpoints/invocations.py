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
from jobs.backends import make_client
from jobs.contract.invocation import PROTOBUF_TYPES
from jobs.contract.log_lines import endpoint_logs

TRIES = 8
_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 20.0
_TRANSIENT = re.compile(r"Throttl|TooManyRequests|ServiceUnavailable|Internal|ModelNotReady|^5\d\d$|^429$")
_SERVER_ERROR = "Received server error"
"""How SageMaker words that the container failed, and not the request (public issues)."""
_TOO_LARGE = re.compile(r"^413$|TooLarge|content length exceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Caller:
    """A way to ask an endpoint. One may be shared by many threads."""

    name: str
    runtime: Any

    def ask(self, body: bytes, accept: str, what: str, tries: int = TRIES) -> bytes:
        """The answer to an image. Throttling, failures of the service and of the container, and
        connections that break are tried again, each time after a longer wait with chance in it.

        Raises SagesegError in one line, with the next step.
        """
        for number in range(tries):
            try:
                return self._ask_once(body, accept)
            except SagesegError as e:
                if number == tries - 1 or not is_transient(e):
                    raise self._explain(e, len(body), what, number + 1) from e
            sleep(random.uniform(0.5, 1) * min(_FIRST_SECONDS * 2**number, _LONGEST_SECONDS))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    def _ask_once(self, body: bytes, accept: str) -> bytes:
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
                f"{what}: {error}; asked {tries} times; ask fewer at a time (--parallel 1), or predict with --via "
                f"artefact; the container's log is {endpoint_logs(self.name)}"
            )
        return error


def open_caller(name: str, backend: str, region: str) -> Caller:
    return Caller(name, make_client("sagemaker-runtime", backend, region, once=True))


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

"""What may happen to one request of a verb: between botocore, which tries again, and the service."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.endpoint
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSResponse


class KilledError(BaseException):
    """The process is gone: nothing that it would still do reaches the service or its folder."""


@dataclass(frozen=True)
class Fault:
    """What happens to the first request of an operation. It is `done` by the service or not; then comes `answer`: an
    error of the network, a refusal, a failure, Ctrl-C or a kill. `again` is what its later requests meet, and `down`
    says that no request comes through any more."""

    words: str
    done: bool
    answer: str
    again: str = ""
    down: bool = False


FAULTS = (
    Fault("its answer lost", True, "lost"),
    Fault("its answer lost, and the network with it", True, "lost", down=True),
    Fault("every answer to it lost", True, "lost", again="lost"),
    Fault("its answer lost, and what was sent again refused", True, "lost", again="refused"),
    Fault("lost", False, "lost"),
    Fault("lost, and the network with it", False, "lost", down=True),
    Fault("every one of it lost", False, "lost", again="lost"),
    Fault("refused", False, "refused", again="refused"),
    Fault("failed", False, "failed", again="failed"),
    Fault("failed though it was done", True, "failed", again="failed"),
    Fault("interrupted before it", False, "interrupt"),
    Fault("interrupted after it", True, "interrupt"),
    Fault("killed before it", False, "kill"),
    Fault("killed after it", True, "kill"),
)
OF_ALL = tuple(
    fault
    for fault in FAULTS
    if fault.words in ("lost, and the network with it", "refused", "failed", "interrupted after it", "killed before it")
)
"""Those that a request which creates nothing meets."""


@dataclass
class Line:
    """The way of a verb's requests. `asked` are its operations in their order; the `fault` strikes when `operation` is
    asked for the `nth` time, and `struck` says so. `home` is what a killed process leaves, as it was then."""

    home: Path
    operation: str = ""
    nth: int = 1
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    struck: bool = False
    killed: bool = False

    def pass_on(self, operation: str, send: Callable[[], Any], refusal: Callable[[int], Any]) -> Any:
        self.asked.append(operation)
        fault, meant = self.fault, operation == self.operation
        if fault is None:
            return send()
        if not self.struck:
            self.struck = meant and Counter(self.asked)[operation] == self.nth
            if fault.done or not self.struck:
                answer = send()
            return self._answer(fault.answer, refusal) if self.struck else answer
        if self.killed or fault.down:
            return self._answer("lost", refusal)
        return self._answer(fault.again, refusal) if fault.again and meant else send()

    def _answer(self, answer: str, refusal: Callable[[int], Any]) -> Any:
        if answer == "lost":
            raise botocore.exceptions.ReadTimeoutError(endpoint_url="the trial's")
        if answer == "interrupt":
            raise KeyboardInterrupt
        if answer == "kill":
            self.killed = True
            shutil.copytree(self.home, self.left)
            raise KilledError
        return refusal(400 if answer == "refused" else 500)

    @property
    def left(self) -> Path:
        return self.home.with_name(f"{self.home.name}-left")


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _refusal(operation: Any, url: str) -> Callable[[int], AWSResponse]:
    """An error of the service: of the kind that sends a job to another instance type, or a failure."""

    def answer(status: int) -> AWSResponse:
        code = "ResourceLimitExceeded" if status < 500 else "InternalFailure"
        words = "The account-level service limit 'ml.g5.2xlarge for training job usage' is 0 Instances"
        headers = {"x-amzn-ErrorType": code}
        body = json.dumps({"__type": code, "message": words})
        error = f"<Error><Code>{code}</Code><Message>{words}</Message></Error>"
        protocol = operation.service_model.metadata["protocol"]
        body = {"rest-xml": error, "query": f"<ErrorResponse>{error}</ErrorResponse>"}.get(protocol, body)
        return AWSResponse(url, status, headers, _Raw(body.encode()))

    return answer


@contextmanager
def on_the_line(line: Line) -> Iterator[None]:
    """While the block runs, this thread's requests, and those of threads that it starts, take this way. Those of the
    emulator, which is in this process, do not."""
    now = threading.local()
    get, send, start = (
        botocore.endpoint.Endpoint._do_get_response,
        botocore.endpoint.Endpoint._send,
        threading.Thread.start,
    )
    verbs = {threading.current_thread()}

    def started(thread: threading.Thread) -> None:
        if threading.current_thread() in verbs:
            verbs.add(thread)
        start(thread)

    def got(endpoint: Any, request: Any, operation: Any, context: Any) -> Any:
        now.operation = operation
        return get(endpoint, request, operation, context)

    def sent(endpoint: Any, request: Any) -> Any:
        if threading.current_thread() not in verbs:
            return send(endpoint, request)
        operation = now.operation
        name = f"{operation.service_model.service_name}.{operation.name}"
        return line.pass_on(name, lambda: send(endpoint, request), _refusal(operation, request.url))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", started)
        patch.setattr(botocore.endpoint.Endpoint, "_do_get_response", got)
        patch.setattr(botocore.endpoint.Endpoint, "_send", sent)
        yield

"""Requests to an asynchronous endpoint: an image is put beside its answers, waits in the endpoint's queue, and its
answer is looked for until it is there.

What was put and what came is deleted; what a killed caller leaves goes with the endpoint (`sageseg jobs delete`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from time import monotonic
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError
from formats.console import say
from formats.errors import SagesegError
from jobs.endpoints.stores import Store

QUEUED_SECONDS, WORKED_SECONDS = 3600, 900
"""How long a request may wait for its turn, and be worked on then, before SageMaker gives it up."""
FIRST_PAUSE = {"aws": 0.5, "local": 0.05}
"""Seconds between two looks for an answer, by backend; they grow."""
_LONGEST_PAUSE, _LONGER = 5.0, 1.5
_LOOKS = 12
"""For an answer, after which the endpoint itself is looked for."""
_LETTERS = 500
"""Of what an endpoint says of a failure."""


@dataclass(frozen=True)
class Queue:
    """An asynchronous endpoint's place under `uri`, which many threads may share. `check_there` raises SagesegError
    where there is no endpoint any more, whose answers would never come. `given_up` is set when nobody waits for answers
    any more."""

    uri: str
    store: Store
    pause: float
    check_there: Callable[[], None]
    given_up: threading.Event = field(default_factory=threading.Event)
    untidy: threading.Event = field(default_factory=threading.Event)

    def ask(self, runtime: Any, endpoint: str, body: bytes, accept: str) -> bytes:
        """The answer to an image. Raises SagesegError; an AwsError as of InvokeEndpoint where the model failed."""
        image = f"images/{token_hex(16)}.jpg"
        self.store.put(image, body)
        try:
            with aws_errors(f"asking endpoint {endpoint}"):
                told = runtime.invoke_endpoint_async(
                    EndpointName=endpoint,
                    ContentType="image/jpeg",
                    Accept=accept,
                    InputLocation=f"{self.uri}/{image}",
                    RequestTTLSeconds=QUEUED_SECONDS,
                    InvocationTimeoutSeconds=WORKED_SECONDS,
                )
            failure = told.get("FailureLocation")  # an endpoint of others' may tell nowhere what failed
            return self._await(endpoint, self._name(told["OutputLocation"]), failure and self._name(failure))
        finally:
            self._delete(image)

    def _delete(self, name: str) -> None:
        """An answer is worth more than what remains of it, which is told once."""
        try:
            self.store.delete(name)
        except SagesegError as e:
            if not self.untidy.is_set():
                self.untidy.set()
                say(f"note: {self.uri} keeps what was sent and answered ({e}); sageseg jobs delete removes it")

    def _name(self, uri: str) -> str:
        """Of an answer, below the endpoint's place."""
        if not uri.startswith(f"{self.uri}/"):
            raise SagesegError(
                f"{uri}: not below {self.uri}, where this endpoint is configured to answer; look at it with aws "
                "sagemaker describe-endpoint-config, and deploy it again"
            )
        return uri.removeprefix(f"{self.uri}/")

    def _await(self, endpoint: str, answer: str, failure: str | None) -> bytes:
        deadline, pause = monotonic() + QUEUED_SECONDS + WORKED_SECONDS, self.pause
        for look in count(1):
            if self.given_up.wait(pause):
                break
            pause = min(pause * _LONGER, _LONGEST_PAUSE)
            found = self.store.find(answer)
            if found is not None:
                self._delete(answer)
                return found
            failed = self.store.find(failure) if failure else None
            if failure and failed is not None:
                self._delete(failure)
                said = failed.decode("utf-8", "replace")[:_LETTERS]
                raise AwsError(f"asking endpoint {endpoint}", "ModelError", said)
            if look % _LOOKS == 0:
                self.check_there()
            if monotonic() > deadline:
                raise SagesegError(
                    f"endpoint {endpoint}: no answer within {(QUEUED_SECONDS + WORKED_SECONDS) // 60} minutes; sageseg "
                    "jobs leftovers tells whether it is awake, and --via artefact needs none"
                )
        raise SagesegError(f"endpoint {endpoint}: its answers are not waited for any more; run the same command again")

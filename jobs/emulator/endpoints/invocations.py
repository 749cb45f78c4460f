"""SageMaker Runtime's InvokeEndpoint, image bytes to the container and its answer back, and InvokeEndpointAsync, which
has both lie in S3.

Limits and texts: API reference of InvokeEndpoint, and error messages in public issues.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.emulator.api.app import TOO_LARGE, Reply
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.endpoints.model_errors import CLOSED, TIMED_OUT, model_error
from jobs.emulator.endpoints.operations import SERVING
from jobs.emulator.endpoints.record import SERVERLESS_START_SECONDS, deployment_of
from jobs.emulator.endpoints.run import EndpointRun
from jobs.emulator.endpoints.waiting import Waiting
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.serving_container import ATTRIBUTES, Answer, NoAnswerError
from jobs.emulator.host.storage import join_uri
from jobs.emulator.store.collection import DEFAULT_ACCOUNT, Collection
from jobs.emulator.store.state import Resource

TIMEOUT_SECONDS = 60.0
"""What a container has to answer an invocation (developer guide)."""
SERVERLESS_BYTES = 4 * 2**20
"""Of a request and of an answer of a serverless endpoint, "4 MB" in the developer guide."""
QUEUED_SECONDS, WORKED_SECONDS = 21_600, 900
"""How long an asynchronous request may wait and be worked on where it does not say (`InvokeEndpointAsync`)."""
_NOT_EMULATED = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "SessionId", "EnableExplanations")
_PASSED_ON = {"ContentType": "Content-Type", "Accept": "Accept", "CustomAttributes": ATTRIBUTES}


class Invocations:
    """The operations of SageMaker Runtime that are emulated."""

    def __init__(self, endpoints: Collection, runs: Runs[EndpointRun], timeout_seconds: float) -> None:
        self._endpoints, self._runs, self._timeout_seconds = endpoints, runs, timeout_seconds

    def now(self, request: Mapping[str, Any], _region: str) -> Reply:
        """InvokeEndpoint, of a checked request. Raises ServiceError in the words of SageMaker Runtime."""
        endpoint, run = self._find(request["EndpointName"])
        deployment = deployment_of(endpoint.record)
        variant, limit = deployment.variant, MAX_INVOCATION_BYTES
        _check_emulated(request, variant)
        if deployment.answers is not None:
            raise _invalid(f"Endpoint {endpoint.name} is asynchronous: InvokeEndpointAsync asks it")
        most = None
        if deployment.serverless is not None:
            most, limit = deployment.serverless["MaxConcurrency"], SERVERLESS_BYTES
            if len(request["Body"]) > limit:
                raise ServiceError(TOO_LARGE, f"HTTP content length exceeded {limit} bytes.", 413)
        _meet(run.next_answer(), endpoint)
        with run.in_hand(most) as admitted:
            if not admitted:
                raise ServiceError("ThrottlingException", "Rate exceeded")
            answer = self._ask(run, request, endpoint, limit)
        if not answer.good:
            raise model_error(endpoint, answer.status, answer.body.decode("utf-8", "replace"))
        if len(answer.body) > limit:
            raise model_error(endpoint, 0, f"The response of the container exceeds the limit of {limit} bytes.")
        headers = [("x-Amzn-Invoked-Production-Variant", variant)]
        if answer.attributes is not None:
            headers.append((ATTRIBUTES, answer.attributes))
        return Reply(200, answer.content_type or "application/octet-stream", answer.body, tuple(headers))

    def later(self, request: Mapping[str, Any], _region: str) -> Reply:
        """InvokeEndpointAsync, of a checked request: it waits for its turn."""
        endpoint, run = self._find(request["EndpointName"])
        deployment = deployment_of(endpoint.record)
        if deployment.answers is None:
            raise _invalid(f"Endpoint {endpoint.name} is not asynchronous: InvokeEndpoint asks it")
        _refuse(request, ("S3OutputPathExtension", "Filename"))
        if request.get("Body") or "InputLocation" not in request:
            raise _invalid("A request in the body is not emulated; expected InputLocation")
        _meet(run.next_answer(), endpoint)
        waiting = _waiting(request, deployment.answers["OutputConfig"])
        run.put(waiting)
        headers = [("X-Amzn-SageMaker-OutputLocation", waiting.answer)]
        if waiting.failure:
            headers.append(("X-Amzn-SageMaker-FailureLocation", waiting.failure))
        body = json.dumps({"InferenceId": request.get("InferenceId", waiting.id)}).encode()
        return Reply(202, "application/json", body, tuple(headers))

    def _find(self, name: str) -> tuple[Resource, EndpointRun]:
        endpoint, run = self._endpoints.find(name), self._runs.get(name)
        if endpoint is None or run is None or endpoint.status not in SERVING:
            account = endpoint.arn.split(":")[4] if endpoint else DEFAULT_ACCOUNT
            raise _invalid(f"Endpoint {name} of account {account} not found.")
        return endpoint, run

    def _ask(self, run: EndpointRun, request: Mapping[str, Any], endpoint: Resource, limit: int) -> Answer:
        cold = SERVERLESS_START_SECONDS if limit == SERVERLESS_BYTES else 0
        serving = run.wait_serving(self._timeout_seconds + cold)
        if serving is None:
            raise model_error(endpoint, 0, CLOSED)
        try:
            return serving.ask(
                "POST",
                "/invocations",
                seconds=self._timeout_seconds,
                limit=limit,
                body=request["Body"],
                headers=_passed_on(request),
            )
        except NoAnswerError as e:
            raise model_error(endpoint, 0, TIMED_OUT if e.late else CLOSED) from e


def _passed_on(request: Mapping[str, Any]) -> dict[str, str]:
    return {header: request[name] for name, header in _PASSED_ON.items() if name in request}


def _waiting(request: Mapping[str, Any], output: Mapping[str, str]) -> Waiting:
    """The request as it waits."""
    name = str(uuid.uuid4())
    failures = output.get("S3FailurePath")
    return Waiting(
        id=name,
        uri=request["InputLocation"],
        headers=_passed_on(request),
        answer=join_uri(output["S3OutputPath"], f"{name}.out"),
        failure="" if failures is None else join_uri(failures, f"{name}-error.out"),
        until=time.time() + request.get("RequestTTLSeconds", QUEUED_SECONDS),
        seconds=request.get("InvocationTimeoutSeconds", WORKED_SECONDS),
    )


def _invalid(message: str) -> ServiceError:
    """SageMaker Runtime's refusal."""
    return ServiceError("ValidationError", message)


def _check_emulated(request: Mapping[str, Any], variant: str) -> None:
    _refuse(request, _NOT_EMULATED)
    target = request.get("TargetVariant", variant)
    if target != variant:
        raise _invalid(f"Variant {target} was not found for endpoint {request['EndpointName']}")


def _refuse(request: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name in request:
            raise _invalid(f"{name} is not emulated")


def _meet(answer: str, endpoint: Resource) -> None:
    """Raise what the rehearsal asks for."""
    if answer == "throttle":
        raise ServiceError("ThrottlingException", "Rate exceeded")
    if answer == "500":
        raise ServiceError("InternalFailure", "An internal failure occurred. Try your request again.", 500)
    if answer == "503":
        raise ServiceError("ServiceUnavailable", "The service is unavailable. Try your call again.", 503)
    if answer == "model-error":
        raise model_error(endpoint, 500, "rehearsed failure of the model")

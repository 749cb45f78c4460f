"""SageMaker Runtime's InvokeEndpoint: image bytes to the container and its answer back.

Limits and texts: API reference of InvokeEndpoint, and error messages in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.contract.log_lines import endpoint_logs
from jobs.contract.serving_requests import MAX_INVOCATION_BYTES
from jobs.emulator.api.app import Reply
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.endpoints.operations import SERVING
from jobs.emulator.endpoints.record import deployment_of
from jobs.emulator.endpoints.run import EndpointRun
from jobs.emulator.host.runs import Runs
from jobs.emulator.host.serving_container import ATTRIBUTES, Answer, NoAnswerError
from jobs.emulator.store.collection import DEFAULT_ACCOUNT, Collection
from jobs.emulator.store.state import Resource

TIMEOUT_SECONDS = 60.0
"""What a container has to answer an invocation (developer guide)."""
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_CLOSED = "The container primary closed the connection without a response."
_NOT_EMULATED = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "SessionId", "EnableExplanations")
_PASSED_ON = {"ContentType": "Content-Type", "Accept": "Accept", "CustomAttributes": ATTRIBUTES}


class Invocations:
    """The one operation of SageMaker Runtime that is emulated."""

    def __init__(self, endpoints: Collection, runs: Runs[EndpointRun], timeout_seconds: float) -> None:
        self._endpoints, self._runs, self._timeout_seconds = endpoints, runs, timeout_seconds

    def __call__(self, request: Mapping[str, Any], region: str) -> Reply:
        """Answer a checked request. Raises ServiceError in the words of SageMaker Runtime."""
        endpoint, run = self._find(request["EndpointName"])
        variant = deployment_of(endpoint.record).variant
        _check_emulated(request, variant)
        _meet(run.next_answer(), endpoint, region)
        answer = self._ask(run, request, endpoint, region)
        if not answer.good:
            raise _model_error(endpoint, region, answer.status, answer.body.decode("utf-8", "replace"))
        if len(answer.body) > MAX_INVOCATION_BYTES:
            text = f"The response of the container exceeds the limit of {MAX_INVOCATION_BYTES} bytes."
            raise _model_error(endpoint, region, 0, text)
        headers = [("x-Amzn-Invoked-Production-Variant", variant)]
        if answer.attributes is not None:
            headers.append((ATTRIBUTES, answer.attributes))
        return Reply(200, answer.content_type or "application/octet-stream", answer.body, tuple(headers))

    def _find(self, name: str) -> tuple[Resource, EndpointRun]:
        endpoint, run = self._endpoints.find(name), self._runs.get(name)
        if endpoint is None or run is None or endpoint.status not in SERVING:
            account = endpoint.arn.split(":")[4] if endpoint else DEFAULT_ACCOUNT
            raise ServiceError("ValidationError", f"Endpoint {name} of account {account} not found.")
        return endpoint, run

    def _ask(self, run: EndpointRun, request: Mapping[str, Any], endpoint: Resource, region: str) -> Answer:
        serving = run.wait_serving(self._timeout_seconds)
        if serving is None:
            raise _model_error(endpoint, region, 0, _CLOSED)
        try:
            return serving.ask(
                "POST",
                "/invocations",
                seconds=self._timeout_seconds,
                limit=MAX_INVOCATION_BYTES,
                body=request["Body"],
                headers={header: request[name] for name, header in _PASSED_ON.items() if name in request},
            )
        except NoAnswerError as e:
            raise _model_error(endpoint, region, 0, _TIMED_OUT if e.late else _CLOSED) from e


def _check_emulated(request: Mapping[str, Any], variant: str) -> None:
    for name in _NOT_EMULATED:
        if name in request:
            raise ServiceError("ValidationError", f"{name} is not emulated")
    target = request.get("TargetVariant", variant)
    if target != variant:
        raise ServiceError("ValidationError", f"Variant {target} was not found for endpoint {request['EndpointName']}")


def _meet(answer: str, endpoint: Resource, region: str) -> None:
    """Raise what the rehearsal asks for."""
    if answer == "throttle":
        raise ServiceError("ThrottlingException", "Rate exceeded")
    if answer == "500":
        raise ServiceError("InternalFailure", "An internal failure occurred. Try your request again.", 500)
    if answer == "503":
        raise ServiceError("ServiceUnavailable", "The service is unavailable. Try your call again.", 503)
    if answer == "model-error":
        raise _model_error(endpoint, region, 500, "rehearsed failure of the model")


def _model_error(endpoint: Resource, region: str, status: int, message: str) -> ServiceError:
    """ModelError as SageMaker Runtime words it. Status 0 stands for no answer."""
    name, account = endpoint.name, endpoint.arn.split(":")[4]
    side = "client" if 400 <= status < 500 else "server"
    text = (
        f'Received {side} error ({status}) from primary with message "{message}". '
        f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:"
        f"group={endpoint_logs(name)} in account {account} for more information."
    )
    extra: dict[str, str | int] = {
        "ErrorCode": f"{side.upper()}_ERROR_FROM_MODEL",
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{endpoint_logs(name)}",
        "OriginalMessage": message,
        "OriginalStatusCode": status,
    }
    return ServiceError("ModelError", text, 424, extra)

"""How requests and responses lie on the wire, by botocore's service model: AWS JSON 1.1, and REST
for invocations.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jobs.contract.service_model import Violation, describe_violations, find_violations, load_service
from jobs.emulator.api.faults import ServiceError

CONTENT_TYPE = "application/x-amz-json-1.1"
SERVICES = {
    "SageMaker": "sagemaker",
    "Logs_20140328": "logs",
    "ServiceQuotasV20190624": "service-quotas",
    "AnyScaleFrontendService": "application-autoscaling",
}
"""The first half of X-Amz-Target, and botocore's name for that service."""
RUNTIME = "sagemaker-runtime"
_REFUSALS = {
    "sagemaker": "ValidationException",
    "logs": "InvalidParameterException",
    "service-quotas": "IllegalArgumentException",
    "application-autoscaling": "ValidationException",
    RUNTIME: "ValidationError",
}
"""The code of a request that the model refuses, by service."""


def parse_target(target: str) -> tuple[str, str]:
    """The (service, operation) of an X-Amz-Target header such as `SageMaker.CreateTrainingJob`."""
    prefix, _, operation = target.partition(".")
    service = SERVICES.get(prefix)
    if service is None or operation not in load_service(service).operation_names:
        known = " or ".join(f"{name}.<operation>" for name in SERVICES)
        raise ServiceError("UnknownOperationException", f"X-Amz-Target {target!r} is not known; expected {known}")
    return service, operation


def parse_request(service: str, operation: str, body: bytes) -> dict[str, Any]:
    """The request in a body, checked against the service model; `file://` stands for `s3://`.

    Raises ServiceError with the code and words of the service for whatever is wrong with it.
    """
    request: dict[str, Any] = without_nulls(_parse_json(body))
    violations = find_violations(service, operation, request, file_uris=True)
    of_type = [violation for violation in violations if violation.kind == "type"]
    if of_type:
        raise ServiceError("SerializationException", of_type[0].message)
    _refuse(service, violations)
    return request


def without_nulls(value: Any) -> Any:
    """To AWS a member that is null is one that was not given, however deep."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _refuse(service: str, violations: list[Violation]) -> None:
    if violations:
        raise ServiceError(_REFUSALS[service], describe_violations(violations))


def parse_invocation(operation: str, endpoint: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The request of InvokeEndpoint or InvokeEndpointAsync in a path, headers (names in lower case) and a body."""
    request: dict[str, Any] = {"EndpointName": endpoint, "Body": body}
    for name, member in load_service(RUNTIME).operation_model(operation).input_shape.members.items():
        header = member.serialization.get("name", "").lower()
        if member.serialization.get("location") == "header" and header in headers:
            request[name] = _of_header(headers[header], member.type_name)
    _refuse(RUNTIME, find_violations(RUNTIME, operation, request, file_uris=True))
    return request


def _of_header(text: str, kind: str) -> Any:
    """A number, where the model has one and the header too: else the check says what is wrong."""
    return int(text) if kind == "integer" and re.fullmatch(r"-?[0-9]{1,10}", text) else text


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}", parse_constant=_refuse_constant)
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as e:
        raise ServiceError("SerializationException", f"The request body is not valid JSON: {e}") from e
    if not isinstance(parsed, dict):
        raise ServiceError("SerializationException", "The request body is not a JSON object")
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def render_response(service: str, operation: str, response: Mapping[str, Any]) -> bytes:
    """A response's body: the members that the model has, timestamps in epoch seconds."""
    shape = load_service(service).operation_model(operation).output_shape
    return b"" if shape is None else _dump(_modelled(response, shape))


def _modelled(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            name: _modelled(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_modelled(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: _modelled(item, shape.value) for key, item in value.items()}
    return round(value, 3) if shape.type_name == "timestamp" else value


def render_rest_fault(fault: ServiceError) -> bytes:
    """A refusal's body in REST; its code stands in a header."""
    return _dump({"Message": fault.message, **fault.extra})


def render_fault(fault: ServiceError, service: str | None = None) -> bytes:
    """A refusal's body. Errors that the model knows carry their text as it says, in `Message`."""
    modelled = service is not None and fault.code in load_service(service).shape_names
    members = load_service(service).shape_for(fault.code).members if service and modelled else {}
    return _dump({"__type": fault.code, "Message" if "Message" in members else "message": fault.message})


def _dump(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode("utf-8")

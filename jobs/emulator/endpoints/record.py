"""An endpoint's record, as DescribeEndpoint answers it, and how it changes.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aws.names import UNTIL_TAG, parse_until
from jobs.emulator.host.serving_container import STARTUP_SECONDS
from jobs.emulator.store.collection import ResourceKind
from jobs.emulator.store.job_records import MAX_REASON
from jobs.emulator.store.state import Record, Resource

SERVERLESS_START_SECONDS = 180
"""What a serverless container has to start before it answers (developer guide)."""
ENDPOINTS = ResourceKind(
    word="endpoint",
    prefix="Endpoint",
    listed="Endpoints",
    missing=("ValidationException", 'Could not find endpoint "{arn}".'),
    taken=("ValidationException", 'Cannot create already existing endpoint "{arn}".'),
)


@dataclass(frozen=True)
class Deployment:
    """What an endpoint runs: settled when it is created or updated, so that model and
    configuration may be deleted afterwards, as on AWS."""

    config: str
    variant: str
    instance_type: str
    weight: float
    image: str
    model_uri: str | None
    environment: dict[str, str]
    startup_seconds: int = STARTUP_SECONDS
    serverless: dict[str, int] | None = None
    answers: dict[str, Any] | None = None
    """ServerlessConfig and AsyncInferenceConfig, as the configuration has them."""


def make_deployment(config: Record, model: Record) -> Deployment:
    variant, container = config["ProductionVariants"][0], model["_Container"]
    usual = SERVERLESS_START_SECONDS if "ServerlessConfig" in variant else STARTUP_SECONDS
    return Deployment(
        config=config["EndpointConfigName"],
        variant=variant["VariantName"],
        instance_type=variant.get("InstanceType", ""),
        weight=variant["InitialVariantWeight"],
        image=container["Image"],
        model_uri=container.get("ModelDataUrl"),
        environment=container["Environment"],
        startup_seconds=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", usual),
        serverless=variant.get("ServerlessConfig"),
        answers=config.get("AsyncInferenceConfig"),
    )


def new_record(name: str, arn: str, deployment: Deployment, now: float) -> Record:
    return {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": deployment.config,
        "EndpointStatus": "Creating",
        "CreationTime": now,
        "LastModifiedTime": now,
        "_Deployment": asdict(deployment),
    }


def deployment_of(record: Record) -> Deployment:
    """What is to run. Members with an underscore are never answered."""
    return Deployment(**record["_Deployment"])


def in_service(record: Record, deployment: Deployment, now: float, reason: str = "") -> None:
    """The deployment serves. A reason tells why an update was rolled back to it."""
    record.pop("FailureReason", None)
    record.update(
        EndpointStatus="InService",
        EndpointConfigName=deployment.config,
        ProductionVariants=[
            {
                "VariantName": deployment.variant,
                "DeployedImages": [
                    {"SpecifiedImage": deployment.image, "ResolvedImage": deployment.image, "ResolutionTime": now}
                ],
                "CurrentWeight": deployment.weight,
                "DesiredWeight": deployment.weight,
                **_capacity(deployment),
            }
        ],
        _Deployment=asdict(deployment),
    )
    if deployment.answers is not None:
        record["AsyncInferenceConfig"] = deployment.answers
    if reason:
        record["FailureReason"] = reason[:MAX_REASON]


def _capacity(deployment: Deployment) -> Record:
    if deployment.serverless is not None:
        return {"CurrentServerlessConfig": deployment.serverless, "DesiredServerlessConfig": deployment.serverless}
    return {"CurrentInstanceCount": 1, "DesiredInstanceCount": 1}


def fell_asleep(record: Record, _now: float) -> None:
    """An asynchronous endpoint has no instance any more; of a serverless one nothing tells."""
    (variant,) = record["ProductionVariants"]
    if "CurrentInstanceCount" in variant:
        variant.update(CurrentInstanceCount=0, DesiredInstanceCount=0)


def failed(record: Record, reason: str) -> None:
    record.update(EndpointStatus="Failed", FailureReason=reason[:MAX_REASON])


def lease_end(endpoint: Resource) -> float | None:
    """When an endpoint is to be deleted, by its tag; None where nothing says so. At AWS a schedule does that."""
    until = next((tag["Value"] for tag in endpoint.tags if tag["Key"] == UNTIL_TAG), "")
    end = parse_until(until)
    return end.timestamp() if end else None

"""An endpoint of the emulator from its model on, for the tests of hosting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.emulator.server import Server
from tests.support.emulator_setup import client, create_model, wait_until

PREFIX = "arn:aws:sagemaker:eu-central-1:123456789012"


def configure(sagemaker: Any, name: str = "config", model: str = "model", **changes: Any) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.c5.xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant | changes])


def status(sagemaker: Any, name: str = "endpoint") -> str:
    """An endpoint's status, empty when there is none."""
    listed = sagemaker.list_endpoints()["Endpoints"]
    return next((found["EndpointStatus"] for found in listed if found["EndpointName"] == name), "")


def deploy(sagemaker: Any, folder: Path, name: str = "endpoint") -> dict[str, Any]:
    """The description of an endpoint once it no longer changes."""
    create_model(sagemaker, folder)
    configure(sagemaker)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="config")
    wait_until(lambda: status(sagemaker, name) not in ("Creating", "Updating", "SystemUpdating"))
    described: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    return described


def invoke(server: Server, name: str = "endpoint", body: bytes = b"image", **also: Any) -> dict[str, Any]:
    """An invocation's answer, its body read."""
    with client("sagemaker-runtime", server.url) as runtime:
        answer: dict[str, Any] = runtime.invoke_endpoint(EndpointName=name, Body=body, **also)
        return answer | {"Body": answer["Body"].read()}

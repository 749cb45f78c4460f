"""Models and endpoint configurations: their kinds, and what hosting refuses beyond the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from formats.errors import SagesegError
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.storage import Storage
from jobs.emulator.store.collection import Kind
from jobs.emulator.training.rules import environment_not_emulated, image_rules

MODELS = Kind(
    word="model",
    prefix="Model",
    listed="Models",
    summary=("ModelName", "ModelArn", "CreationTime"),
    missing=("ValidationException", 'Could not find model "{arn}".'),
    taken=("ValidationException", 'Cannot create already existing model "{arn}".'),
)
ENDPOINT_CONFIGS = Kind(
    word="endpoint-config",
    prefix="EndpointConfig",
    listed="EndpointConfigs",
    summary=("EndpointConfigName", "EndpointConfigArn", "CreationTime"),
    missing=("ValidationException", 'Could not find endpoint configuration "{arn}".'),
    taken=("ValidationException", 'Cannot create already existing endpoint configuration "{arn}".'),
)
_CONTAINER = ("Image", "ModelDataUrl", "Environment", "Mode", "ContainerHostname", "ImageConfig")
_VARIANT = (
    "VariantName",
    "ModelName",
    "InitialInstanceCount",
    "InstanceType",
    "InitialVariantWeight",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "EnableSSMAccess",
    "RoutingConfig",
)
_CONFIG = ("EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId", "VpcConfig", "EnableNetworkIsolation")

Request = dict[str, Any]


def check_model(request: Request, storage: Storage) -> None:
    """Raise ServiceError for a model that cannot be served here."""
    container = request.get("PrimaryContainer")
    if container is None or "Containers" in request:
        raise invalid("Containers is not emulated; expected PrimaryContainer")
    for problem in _container_not_emulated(container):
        raise invalid(f"PrimaryContainer.{problem} is not emulated")
    if "Image" not in container:
        raise invalid("PrimaryContainer.Image is missing; only containers with an image are emulated")
    image_rules(container["Image"])
    uri = container.get("ModelDataUrl")
    if uri is not None:
        try:
            storage.check_object(uri)
        except SagesegError as e:
            raise invalid(f"Could not find model data at {uri}. ({e})") from e


def _container_not_emulated(container: Request) -> Iterator[str]:
    yield from (name for name in container if name not in _CONTAINER)
    if container.get("Mode", "SingleModel") != "SingleModel":
        yield "Mode MultiModel"
    for problem in environment_not_emulated(container.get("Environment", {})):
        yield f"Environment: {problem}"


def check_endpoint_config(request: Request) -> None:
    """Raise ServiceError for a configuration that cannot be deployed here."""
    for name in request:
        if name not in _CONFIG:
            raise invalid(f"{name} is not emulated")
    variants = request["ProductionVariants"]
    if len(variants) != 1:
        raise invalid("More than one of ProductionVariants is not emulated")
    for name in variants[0]:
        if name not in _VARIANT:
            raise invalid(f"ProductionVariants.1.{name} is not emulated")
    for name in ("ModelName", "InstanceType"):
        if name not in variants[0]:
            raise invalid(f"ProductionVariants.1.{name} is missing")
    if variants[0].get("InitialInstanceCount", 1) != 1:
        raise invalid("InitialInstanceCount other than 1 is not emulated")

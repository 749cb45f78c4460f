"""SageMaker's operations on models and endpoint configurations, which only describe."""

from __future__ import annotations

from collections.abc import Iterator

from formats.errors import SagesegError
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import environment_not_emulated, image_rules
from jobs.emulator.host.storage import Storage
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.store.collection import Collection, ResourceKind
from jobs.emulator.store.state import Record

MODELS = ResourceKind(
    word="model",
    prefix="Model",
    listed="Models",
    missing=("ValidationException", 'Could not find model "{arn}".'),
    taken=("ValidationException", 'Cannot create already existing model "{arn}".'),
)
ENDPOINT_CONFIGS = ResourceKind(
    word="endpoint-config",
    prefix="EndpointConfig",
    listed="EndpointConfigs",
    missing=("ValidationException", 'Could not find endpoint configuration "{arn}".'),
    taken=("ValidationException", 'Cannot create already existing endpoint configuration "{arn}".'),
)
_CONFIG = ("EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId", "VpcConfig", "EnableNetworkIsolation")
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
"""What a configuration, a container and a variant may hold here; anything else is refused by name."""


class Models:
    """The operations on models."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self.models = Collection(place.state, MODELS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return self.models.operations() | {
            ("sagemaker", "CreateModel"): self.create_model,
            ("sagemaker", "DeleteModel"): self.models.delete,
        }

    def create_model(self, request: Record, region: str) -> Record:
        check_model(request, self._place.storage)
        container = {"Mode": "SingleModel", "Environment": {}, **request["PrimaryContainer"]}
        members = {"PrimaryContainer": container, **_isolation(request)}
        return self.models.create(request, region, request.get("ExecutionRoleArn"), members)


class EndpointConfigs:
    """The operations on endpoint configurations."""

    def __init__(self, place: Workplace, models: Collection) -> None:
        self._models = models
        self.configs = Collection(place.state, ENDPOINT_CONFIGS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return self.configs.operations() | {
            ("sagemaker", "CreateEndpointConfig"): self.create_endpoint_config,
            ("sagemaker", "DeleteEndpointConfig"): self.configs.delete,
        }

    def create_endpoint_config(self, request: Record, region: str) -> Record:
        check_endpoint_config(request)
        variant = {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0, **request["ProductionVariants"][0]}
        model = self._models.get(variant["ModelName"], region)
        members = {"ProductionVariants": [variant], **_isolation(request)}
        return self.configs.create(request, region, model.arn, members)


def _isolation(request: Record) -> Record:
    return {"EnableNetworkIsolation": request.get("EnableNetworkIsolation", False)}


def check_model(request: Record, storage: Storage) -> None:
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


def _container_not_emulated(container: Record) -> Iterator[str]:
    yield from (name for name in container if name not in _CONTAINER)
    if container.get("Mode", "SingleModel") != "SingleModel":
        yield "Mode MultiModel"
    for problem in environment_not_emulated(container.get("Environment", {})):
        yield f"Environment: {problem}"


def check_endpoint_config(request: Record) -> None:
    """Raise ServiceError for a configuration that cannot be deployed here."""
    for problem in _config_not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    (variant,) = request["ProductionVariants"]
    for name in ("ModelName", "InstanceType"):
        if name not in variant:
            raise invalid(f"ProductionVariants.1.{name} is missing")
    if variant.get("InitialInstanceCount", 1) != 1:
        raise invalid("InitialInstanceCount other than 1 is not emulated")


def _config_not_emulated(request: Record) -> Iterator[str]:
    yield from (name for name in request if name not in _CONFIG)
    first, *others = request["ProductionVariants"]
    if others:
        yield "More than one of ProductionVariants"
    yield from (f"ProductionVariants.1.{name}" for name in first if name not in _VARIANT)

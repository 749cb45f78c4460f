"""SageMaker's operations on models and endpoint configurations, which only describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from formats.errors import SagesegError
from jobs.contract.serving_requests import SERVERLESS_MEMORY
from jobs.emulator.api.app import Operation
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import environment_not_emulated, image_rules
from jobs.emulator.host.storage import Storage
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.packages.record import container_of
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
_CONFIG = (
    *("EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId", "VpcConfig", "EnableNetworkIsolation"),
    "AsyncInferenceConfig",
)
_CONTAINER = ("Image", "ModelDataUrl", "Environment", "Mode", "ContainerHostname", "ImageConfig")
_OF_PACKAGE = ("ModelPackageName", "InferenceSpecificationName", "Environment", "Mode", "ContainerHostname")
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
    "ServerlessConfig",
)
"""What a configuration, a container, one of a model package and a variant may hold here; anything else is refused by
name."""


class Models:
    """The operations on models."""

    def __init__(self, place: Workplace, packages: Collection) -> None:
        self._place, self._packages = place, packages
        self.models = Collection(place.state, MODELS)

    def operations(self) -> dict[tuple[str, str], Operation]:
        return self.models.operations() | {
            ("sagemaker", "CreateModel"): self.create_model,
            ("sagemaker", "DeleteModel"): self.models.delete,
        }

    def create_model(self, request: Record, region: str) -> Record:
        """`_Container` is what is served: of a model package what it has now, as it may change, or go, afterwards."""
        given, where = the_container(request)
        settled = given
        if "ModelPackageName" in given:
            _refuse_others(given, _OF_PACKAGE, f"ModelPackageName beside {where}")
            settled = container_of(self._packages.named(given["ModelPackageName"], region).record, given)
            where = given["ModelPackageName"]
        check_container(settled, where, self._place.storage)
        filled = {"Mode": "SingleModel", "Environment": {}, **given}
        told = {"Containers": [filled]} if "Containers" in request else {"PrimaryContainer": filled}
        members = {**told, "_Container": {"Environment": {}, **settled}, **_isolation(request)}
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
        given = request["ProductionVariants"][0]
        counted = {} if "ServerlessConfig" in given else {"InitialInstanceCount": 1}
        variant = {**counted, "InitialVariantWeight": 1.0, **given}
        model = self._models.get(variant["ModelName"], region)
        if "ServerlessConfig" in given:
            _check_serverless_model(model.record)
        members = {"ProductionVariants": [variant], **_isolation(request)}
        return self.configs.create(request, region, model.arn, members)


def _isolation(request: Record) -> Record:
    return {"EnableNetworkIsolation": request.get("EnableNetworkIsolation", False)}


def the_container(request: Record) -> tuple[Record, str]:
    """The one container of a model, and where in the request it stands. Raises ServiceError where it has another
    number."""
    containers = request.get("Containers")
    if (containers is None) == ("PrimaryContainer" not in request):
        raise invalid("Expected one of PrimaryContainer and Containers")
    if containers is None:
        return request["PrimaryContainer"], "PrimaryContainer"
    if len(containers) != 1:
        raise invalid(f"Containers with {len(containers)} members is not emulated; expected one")
    return containers[0], "Containers.1"


def check_container(container: Record, where: str, storage: Storage) -> None:
    """Raise ServiceError for a container that cannot be served here."""
    _refuse_others(container, _CONTAINER, where)
    for problem in _container_not_emulated(container):
        raise invalid(f"{where}.{problem} is not emulated")
    if "Image" not in container:
        raise invalid(f"{where}.Image is missing; only containers with an image are emulated")
    image_rules(container["Image"])
    uri = container.get("ModelDataUrl")
    if uri is not None:
        try:
            storage.check_object(uri)
        except SagesegError as e:
            raise invalid(f"Could not find model data at {uri}. ({e})") from e


def _refuse_others(container: Record, known: Sequence[str], where: str) -> None:
    for name in container:
        if name not in known:
            raise invalid(f"{where}.{name} is not emulated")


def _container_not_emulated(container: Record) -> Iterator[str]:
    if container.get("Mode", "SingleModel") != "SingleModel":
        yield "Mode MultiModel"
    for problem in environment_not_emulated(container.get("Environment", {})):
        yield f"Environment: {problem}"


def check_endpoint_config(request: Record) -> None:
    """Raise ServiceError for a configuration that cannot be deployed here."""
    for problem in _config_not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    (variant,) = request["ProductionVariants"]
    serverless, asynchronous = variant.get("ServerlessConfig"), request.get("AsyncInferenceConfig")
    for name in ("ModelName", *(() if serverless else ("InstanceType",))):
        if name not in variant:
            raise invalid(f"ProductionVariants.1.{name} is missing")
    if serverless is not None:
        _check_serverless_config(variant, asynchronous)
    if asynchronous is not None and "NotificationConfig" in asynchronous["OutputConfig"]:
        raise invalid("NotificationConfig is not emulated")
    if asynchronous is not None and "S3OutputPath" not in asynchronous["OutputConfig"]:
        raise invalid("AsyncInferenceConfig.OutputConfig.S3OutputPath is missing")
    if variant.get("InitialInstanceCount", 1) != 1:
        raise invalid("InitialInstanceCount other than 1 is not emulated")


def _check_serverless_config(variant: Record, asynchronous: Record | None) -> None:
    config = variant["ServerlessConfig"]
    for name in ("InstanceType", "InitialInstanceCount"):
        if name in variant:
            raise invalid(f"ProductionVariants.1.{name} must not be given with ServerlessConfig")
    if "ProvisionedConcurrency" in config:
        raise invalid("ProvisionedConcurrency is not emulated")
    if config["MemorySizeInMB"] not in SERVERLESS_MEMORY:
        sizes = ", ".join(map(str, SERVERLESS_MEMORY))
        raise invalid(f"MemorySizeInMB {config['MemorySizeInMB']} is not supported; expected one of {sizes}")
    if asynchronous is not None:
        raise invalid("AsyncInferenceConfig is not supported with ServerlessConfig")


def _check_serverless_model(model: Record) -> None:
    """Raise ServiceError for a model that serverless endpoints do not take (developer guide, Feature exclusions)."""
    if "VpcConfig" in model or model.get("EnableNetworkIsolation"):
        raise invalid("VPC configuration and network isolation are not supported for serverless endpoints")


def _config_not_emulated(request: Record) -> Iterator[str]:
    yield from (name for name in request if name not in _CONFIG)
    first, *others = request["ProductionVariants"]
    if others:
        yield "More than one of ProductionVariants"
    yield from (f"ProductionVariants.1.{name}" for name in first if name not in _VARIANT)

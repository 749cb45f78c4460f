"""The requests that make a trained model answer: CreateModel, CreateEndpointConfig, CreateEndpoint and
CreateTransformJob, and those that register it, as pure functions of their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from formats.errors import SagesegError
from jobs.contract.service_model import load_service
from jobs.contract.training_request import (
    ANY_NETWORK,
    Network,
    disk_key_member,
    key_member,
    network_members,
    tag_list,
)

VARIANT = "AllTraffic"
MAX_INVOCATION_BYTES = 6_291_456
"""What the body of an invocation may hold, and that of its answer (`BodyBlob` in the service's model)."""
BUILTIN_CONCURRENT = 1
"""Images at a time for the built-in: its deeplab was seen to hang with more (public issues; the cause is not known)."""
BATCH_PAYLOAD_MB = 10
"""What the built-in's container itself advertises for batch transform."""
APPROVED, PENDING = "Approved", "PendingManualApproval"
"""What the registry says of a version."""
_MOST_LETTERS = 256
"""Of a property's value, in the service's model."""
SERVERLESS_MEMORY = range(1024, 6145, 1024)
"""What a serverless container may have, in MB (API reference, ProductionVariantServerlessConfig)."""
MOST_CONCURRENT = 200
"""Containers of a serverless endpoint at a time, at most (same place)."""
FAILED = "failed"
"""Where below its answers an asynchronous endpoint tells of requests that failed."""
Use = Literal["endpoint", "batch transform"]
_INSTANCE_SHAPES: dict[Use, str] = {
    "endpoint": "ProductionVariantInstanceType",
    "batch transform": "TransformInstanceType",
}


@dataclass(frozen=True)
class ServedModel:
    """An artefact under the image that reads it. `network` is the container's, as in training. With `package`, the ARN
    of a version in the model registry, both are that one's."""

    name: str
    image: str
    artefact_uri: str
    role: str
    network: Network = ANY_NETWORK
    tags: Mapping[str, str] = field(default_factory=dict)
    package: str = ""


@dataclass(frozen=True)
class Serverless:
    """Containers that AWS starts as requests come and ends when none do: the memory of each, and how many at a time."""

    memory_mb: int
    max_concurrency: int


@dataclass(frozen=True)
class Answers:
    """An asynchronous endpoint's: requests wait in its queue, and their answers are written under this URI. So many are
    worked on at a time by an instance, None for as many as SageMaker likes."""

    uri: str
    concurrent: int | None = None


@dataclass(frozen=True)
class Serving:
    """An endpoint with one model, on so many instances of one type, or `serverless`; with `answers` asynchronous."""

    name: str
    model_name: str
    instance_type: str = ""
    instance_count: int = 1
    serverless: Serverless | None = None
    answers: Answers | None = None
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Transform:
    """A batch job over all images under `input_uri`, one output object `<input name>.out` each. `concurrent` images are
    sent at a time, None for as many as the container advertises."""

    name: str
    model_name: str
    input_uri: str
    output_uri: str
    instance_type: str
    instance_count: int = 1
    concurrent: int | None = BUILTIN_CONCURRENT
    accept: str = "image/png"
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """A version of a group. `scores_uri` is the object that holds its scores, `scores_sha256` that one's checksum;
    `properties` are shown beside it. Whoever asks twice with one `token` gets one version."""

    group: str
    image: str
    artefact_uri: str
    scores_uri: str = ""
    scores_sha256: str = ""
    approved: bool = False
    description: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    tags: Sequence[Mapping[str, str]] = ()


def model_request(model: ServedModel) -> dict[str, Any]:
    """The dictionary that `create_model` takes."""
    own = {"Image": model.image, "ModelDataUrl": model.artefact_uri}
    return {
        "ModelName": model.name,
        "PrimaryContainer": {"ModelPackageName": model.package} if model.package else own,
        "ExecutionRoleArn": model.role,
        "Tags": tag_list(model.tags),
        **network_members(model.network),
    }


def endpoint_config_request(serving: Serving) -> dict[str, Any]:
    """The dictionary that `create_endpoint_config` takes; the configuration has the endpoint's name."""
    return {
        "EndpointConfigName": serving.name,
        "ProductionVariants": [
            {
                "VariantName": VARIANT,
                "ModelName": serving.model_name,
                **_capacity(serving),
                "InitialVariantWeight": 1.0,
            }
        ],
        **({"AsyncInferenceConfig": _async_config(serving.answers, serving.kms_key)} if serving.answers else {}),
        "Tags": tag_list(serving.tags),
        **({} if serving.serverless else disk_key_member("KmsKeyId", serving.kms_key, serving.instance_type)),
    }


def _capacity(serving: Serving) -> dict[str, Any]:
    if serving.serverless is None:
        return {"InitialInstanceCount": serving.instance_count, "InstanceType": serving.instance_type}
    asked = serving.serverless
    return {"ServerlessConfig": {"MemorySizeInMB": asked.memory_mb, "MaxConcurrency": asked.max_concurrency}}


def _async_config(answers: Answers, kms_key: str | None) -> dict[str, Any]:
    client = {} if answers.concurrent is None else {"MaxConcurrentInvocationsPerInstance": answers.concurrent}
    return {
        **({"ClientConfig": client} if client else {}),
        "OutputConfig": {
            "S3OutputPath": answers.uri,
            "S3FailurePath": f"{answers.uri}/{FAILED}",
            **key_member("KmsKeyId", kms_key),
        },
    }


def endpoint_request(serving: Serving) -> dict[str, Any]:
    """The dictionary that `create_endpoint` takes."""
    return {
        "EndpointName": serving.name,
        "EndpointConfigName": serving.name,
        "Tags": tag_list(serving.tags),
    }


def transform_request(transform: Transform) -> dict[str, Any]:
    """The dictionary that `create_transform_job` takes."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{transform.input_uri.rstrip('/')}/"}
    return {
        "TransformJobName": transform.name,
        "ModelName": transform.model_name,
        **({} if transform.concurrent is None else {"MaxConcurrentTransforms": transform.concurrent}),
        "MaxPayloadInMB": BATCH_PAYLOAD_MB,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "image/jpeg",
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": transform.output_uri,
            "Accept": transform.accept,
            "AssembleWith": "None",
            **key_member("KmsKeyId", transform.kms_key),
        },
        "TransformResources": {
            "InstanceType": transform.instance_type,
            "InstanceCount": transform.instance_count,
            **disk_key_member("VolumeKmsKeyId", transform.kms_key, transform.instance_type),
        },
        "Tags": tag_list(transform.tags),
    }


def package_request(package: Package) -> dict[str, Any]:
    """The dictionary that `create_model_package` takes; in a pipeline the arguments of a step."""
    statistics = {"ContentType": "application/json", "S3Uri": package.scores_uri}
    if package.scores_sha256:
        statistics["ContentDigest"] = f"sha256:{package.scores_sha256}"
    told = {
        "ModelPackageDescription": package.description,
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}} if package.scores_uri else {},
        "CustomerMetadataProperties": {name: text[:_MOST_LETTERS] for name, text in package.properties.items()},
        "ClientToken": package.token,
        "Tags": list(package.tags),
    }
    return {
        "ModelPackageGroupName": package.group,
        "ModelApprovalStatus": APPROVED if package.approved else PENDING,
        "InferenceSpecification": {
            "Containers": [{"Image": package.image, "ModelDataUrl": package.artefact_uri}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["image/png"],
        },
        **{name: value for name, value in told.items() if value},
    }


def group_request(group: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The dictionary that `create_model_package_group` takes."""
    return {"ModelPackageGroupName": group, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def check_serving_instance(instance_type: str, use: Use) -> None:
    """Raise SagesegError unless the service has this instance type for endpoints, or for batch."""
    known = load_service("sagemaker").shape_for(_INSTANCE_SHAPES[use]).metadata["enum"]
    if instance_type not in known:
        family = ".".join(instance_type.split(".")[:2]) + "."
        near = [name for name in known if name.startswith(family)] or ["ml.c5.xlarge", "ml.m5.xlarge", "ml.g5.xlarge"]
        raise SagesegError(
            f"--instance-type {instance_type}: no instance type for {use}; expected one such as {', '.join(near[:6])}"
        )

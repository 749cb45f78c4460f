"""The CreateTrainingJob request, as a pure function of a job's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.contract.channels import CONTENT_TYPES, MANIFEST_ATTRIBUTES, PRETRAINED
from jobs.contract.instances import local_storage_gb


@dataclass(frozen=True)
class Network:
    """Where the container runs: in subnets of a VPC, or without any network at all."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    isolated: bool = False


ANY_NETWORK = Network()


@dataclass(frozen=True)
class Spot:
    """Spare capacity that AWS may take back: how long to wait for it in all, and where checkpoints
    lie from which an interrupted job goes on."""

    max_wait_seconds: int
    checkpoint_uri: str


@dataclass(frozen=True)
class TrainingJob:
    """What decides a training request. URIs are `s3://` for AWS, `file://` for the emulator.

    `data_uri` holds the channels' folders, or with `augmented` the manifests `train.manifest` and
    `validation.manifest`. `model_uri` is the artefact that an incremental training starts from,
    `pretrained_uri` the ImageNet weights: a file's URI, or a folder's with a slash at its end.
    `environment` are variables of the container.
    """

    name: str
    image: str
    role: str
    data_uri: str
    output_uri: str
    instance_type: str
    volume_gb: int
    max_runtime_seconds: int
    hyperparameters: Mapping[str, str]
    validate_on: str = "validation"
    augmented: bool = False
    label_map_uri: str | None = None
    model_uri: str | None = None
    pretrained_uri: str | None = None
    spot: Spot | None = None
    kms_key: str | None = None
    network: Network = ANY_NETWORK
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def training_request(job: TrainingJob) -> dict[str, Any]:
    """The dictionary that `create_training_job` takes."""
    return {
        "TrainingJobName": job.name,
        "HyperParameters": dict(job.hyperparameters),
        **training_body(job),
        "Tags": tag_list(job.tags),
    }


def training_body(job: TrainingJob) -> dict[str, Any]:
    """What a training job shares with the training jobs of a tuning job."""
    body: dict[str, Any] = {
        "AlgorithmSpecification": {
            "TrainingImage": job.image,
            "TrainingInputMode": "Pipe" if job.augmented else "File",
        },
        "RoleArn": job.role,
        "InputDataConfig": list(_channels(job)),
        "OutputDataConfig": {"S3OutputPath": job.output_uri, **_key("KmsKeyId", job.kms_key)},
        "ResourceConfig": resources(job.instance_type, job.volume_gb, job.kms_key),
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
    }
    if job.environment:
        body["Environment"] = dict(job.environment)
    if job.network.subnets:
        body["VpcConfig"] = vpc(job.network)
    if job.network.isolated:
        body["EnableNetworkIsolation"] = True
    if job.spot:
        body["EnableManagedSpotTraining"] = True
        body["StoppingCondition"]["MaxWaitTimeInSeconds"] = job.spot.max_wait_seconds
        body["CheckpointConfig"] = {"S3Uri": job.spot.checkpoint_uri}
    return body


def resources(instance_type: str, volume_gb: int, kms_key: str | None) -> dict[str, Any]:
    """One machine, on which alone the algorithm trains. A disk of the instance's own takes no key:
    its hardware encrypts."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": 1,
        "VolumeSizeInGB": volume_gb,
        **_key("VolumeKmsKeyId", None if local_storage_gb(instance_type) else kms_key),
    }


def vpc(network: Network) -> dict[str, Any]:
    return {"SecurityGroupIds": list(network.security_groups), "Subnets": list(network.subnets)}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _key(name: str, kms_key: str | None) -> dict[str, str]:
    return {name: kms_key} if kms_key else {}


def _channels(job: TrainingJob) -> list[dict[str, Any]]:
    splits = {"train": "train", "validation": job.validate_on}
    if job.augmented:
        channels = [_manifest_channel(job.data_uri, name, source) for name, source in splits.items()]
    else:
        channels = [channel(job.data_uri, name, name.replace("validation", job.validate_on)) for name in CONTENT_TYPES]
    if job.label_map_uri:
        channels.append(_input("label_map", f"{job.label_map_uri.rstrip('/')}/", "application/json"))
    if job.model_uri:
        channels.append(_input("model", job.model_uri, "application/x-sagemaker-model"))
    if job.pretrained_uri:
        channels.append(_input(PRETRAINED, job.pretrained_uri, "application/octet-stream"))
    return channels


def channel(data_uri: str, name: str, folder: str | None = None) -> dict[str, Any]:
    """One channel. The URI ends in a slash: `…/train` would match `…/train_annotation` too."""
    return _input(name, f"{data_uri.rstrip('/')}/{folder or name}/", CONTENT_TYPES[name])


def _input(name: str, uri: str, content_type: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": content_type,
        "CompressionType": "None",
        "RecordWrapperType": "None",
        "InputMode": "File",
    }


def _manifest_channel(data_uri: str, name: str, source: str) -> dict[str, Any]:
    """A channel that streams what an augmented manifest lists; masks come with the images."""
    listed = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": f"{data_uri.rstrip('/')}/{source}.manifest",
        "S3DataDistributionType": "FullyReplicated",
        "AttributeNames": list(MANIFEST_ATTRIBUTES),
    }
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": listed},
        "ContentType": "application/x-recordio",
        "CompressionType": "None",
        "RecordWrapperType": "RecordIO",
        "InputMode": "Pipe",
    }


def validates_on_train(request: Mapping[str, Any]) -> bool:
    """Whether a request's validation images are its training images, so that its metrics say
    nothing about images that the model has not seen."""
    places = {
        given["ChannelName"]: given["DataSource"]["S3DataSource"]["S3Uri"]
        for given in request.get("InputDataConfig", ())
    }
    return "train" in places and places["train"] == places.get("validation")

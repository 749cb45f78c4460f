"""The CreateTrainingJob request, as a pure function of a job's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from formats.channels import CHANNELS
from jobs.contract.channels import CONTENT_TYPES, MANIFEST_ATTRIBUTES, PRETRAINED
from jobs.contract.instances import has_own_disk


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
class ManagedMlflow:
    """A managed MLflow by its ARN, and the experiment there; AWS makes a run for the job, called as the job is."""

    arn: str
    experiment: str


@dataclass(frozen=True)
class TrainingJob:
    """What decides a training request. URIs are `s3://` for AWS, `file://` for the emulator.

    `data_uri` holds the channels' folders, or with `augmented` the manifests `train.manifest` and
    `validation.manifest`. `model_uri` is the artefact that an incremental training starts from,
    `pretrained_uri` the ImageNet weights: a file's URI, or a folder's with a slash at its end.
    `environment` are variables of the container. With `preferences`, `instance_type` is the first of them, and
    the service takes the first that has capacity.
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
    preferences: tuple[str, ...] = ()
    mlflow: ManagedMlflow | None = None


def training_request(job: TrainingJob) -> dict[str, Any]:
    """The dictionary that `create_training_job` takes."""
    return {
        "TrainingJobName": job.name,
        "HyperParameters": dict(job.hyperparameters),
        **training_body(job),
        **_mlflow_member(job),
        "Tags": tag_list(job.tags),
    }


def _mlflow_member(job: TrainingJob) -> dict[str, Any]:
    """A tuning job's request has no such member."""
    if job.mlflow is None:
        return {}
    told = {"MlflowResourceArn": job.mlflow.arn, "MlflowExperimentName": job.mlflow.experiment}
    return {"MlflowConfig": {**told, "MlflowRunName": job.name}}


def training_body(job: TrainingJob) -> dict[str, Any]:
    """What a training job shares with the training jobs of a tuning job."""
    body: dict[str, Any] = {
        "AlgorithmSpecification": {
            "TrainingImage": job.image,
            "TrainingInputMode": "Pipe" if job.augmented else "File",
        },
        "RoleArn": job.role,
        "InputDataConfig": _channels(job),
        "OutputDataConfig": {"S3OutputPath": job.output_uri, **key_member("KmsKeyId", job.kms_key)},
        "ResourceConfig": {  # one machine, on which alone the algorithm trains
            **instance_members(job.instance_type, job.preferences),
            "InstanceCount": 1,
            "VolumeSizeInGB": job.volume_gb,
            **disk_key_member("VolumeKmsKeyId", job.kms_key, job.instance_type),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
    }
    if job.environment:
        body["Environment"] = dict(job.environment)
    body |= network_members(job.network)
    if job.spot:
        body["EnableManagedSpotTraining"] = True
        body["StoppingCondition"]["MaxWaitTimeInSeconds"] = job.spot.max_wait_seconds
        body["CheckpointConfig"] = {"S3Uri": job.spot.checkpoint_uri}
    return body


def instance_members(instance_type: str, preferences: Sequence[str]) -> dict[str, Any]:
    """What a job runs on: one type, or the list from which the service chooses."""
    if preferences:
        return {"InstancePreferences": [{"InstanceType": kind} for kind in preferences]}
    return {"InstanceType": instance_type}


def network_members(network: Network) -> dict[str, Any]:
    """What tells a container's request of its network."""
    members: dict[str, Any] = {}
    if network.subnets:
        members["VpcConfig"] = {"SecurityGroupIds": list(network.security_groups), "Subnets": list(network.subnets)}
    if network.isolated:
        members["EnableNetworkIsolation"] = True
    return members


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def key_member(name: str, kms_key: str | None) -> dict[str, str]:
    return {name: kms_key} if kms_key else {}


def disk_key_member(name: str, kms_key: str | None, instance_type: str) -> dict[str, str]:
    """A disk of the instance's own takes no key: its hardware encrypts."""
    return {} if has_own_disk(instance_type) else key_member(name, kms_key)


def _channels(job: TrainingJob) -> list[dict[str, Any]]:
    data_uri = job.data_uri.rstrip("/")
    sources = {name: f"{data_uri}/{name.replace('validation', job.validate_on)}" for name in CONTENT_TYPES}
    if job.augmented:
        channels = [_manifest_channel(name, f"{sources[name]}.manifest") for name in CHANNELS.values()]
    else:  # with a slash: `…/train` would match `…/train_annotation` too
        channels = [_input(name, f"{source}/", CONTENT_TYPES[name]) for name, source in sources.items()]
    if job.label_map_uri:
        channels.append(_input("label_map", f"{job.label_map_uri.rstrip('/')}/", "application/json"))
    if job.model_uri:
        channels.append(_input("model", job.model_uri, "application/x-sagemaker-model"))
    if job.pretrained_uri:
        channels.append(_input(PRETRAINED, job.pretrained_uri, "application/octet-stream"))
    return channels


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


def _manifest_channel(name: str, uri: str) -> dict[str, Any]:
    """A channel that streams what an augmented manifest lists; masks come with the images."""
    channel = _input(name, uri, "application/x-recordio") | {"RecordWrapperType": "RecordIO", "InputMode": "Pipe"}
    listed = {"S3DataType": "AugmentedManifestFile", "AttributeNames": list(MANIFEST_ATTRIBUTES)}
    channel["DataSource"]["S3DataSource"] |= listed
    return channel


def validates_on_train(request: Mapping[str, Any]) -> bool:
    """Whether a request's validation images are its training images, so that its metrics say
    nothing about images that the model has not seen."""
    places = {
        given["ChannelName"]: given["DataSource"]["S3DataSource"]["S3Uri"]
        for given in request.get("InputDataConfig", ())
    }
    return "train" in places and places["train"] == places.get("validation")

"""What CreateProcessingJob is asked: one job of N instances, each of which makes its own shards of a verb's work.

Its paths are those of the container, whose tree `/opt/ml` the emulator puts elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from formats.shards.shard import Shard
from jobs.contract.training_request import (
    ANY_NETWORK,
    Network,
    disk_key_member,
    instance_members,
    key_member,
    network_members,
    tag_list,
)

_TREE = "/opt/ml/processing"
INPUT, PLAN_INPUT, OUTPUT = f"{_TREE}/input", f"{_TREE}/plan", f"{_TREE}/output"
HOST_VERB = ("jobs", "process-host")
"""The command of this project that an instance runs."""


@dataclass(frozen=True)
class Given:
    """An input: the URI of a folder or of a file, whole on each instance, and where its folder is there."""

    uri: str
    local_path: str


@dataclass(frozen=True)
class ProcessingJob:
    """One job. `words` are the verb's, with the paths of the container; `shards` are made by the instances in their
    order, one each. With `preferences`, `instance_type` is the first of them, and the service takes the first that has
    capacity."""

    name: str
    image: str
    role: str
    words: Sequence[str]
    shards: Sequence[Shard]
    inputs: Sequence[Given]
    output_uri: str
    instance_type: str
    volume_gb: int
    max_runtime_seconds: int
    tags: Mapping[str, str] = field(default_factory=dict)
    kms_key: str | None = None
    network: Network = ANY_NETWORK
    preferences: tuple[str, ...] = ()


def processing_request(job: ProcessingJob) -> dict[str, Any]:
    """The dictionary that `create_processing_job` takes. Outputs go out as they appear: what one instance has made
    stays where another fails."""
    shards = ",".join(map(str, job.shards))
    network = network_members(job.network)
    return {
        "ProcessingJobName": job.name,
        "AppSpecification": {
            "ImageUri": job.image,
            "ContainerEntrypoint": ["sageseg", *HOST_VERB],
            "ContainerArguments": ["--shard", shards, *job.words],
        },
        "ProcessingInputs": [_input(number, given) for number, given in enumerate(job.inputs, 1)],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "shards",
                    "S3Output": {"S3Uri": job.output_uri, "LocalPath": OUTPUT, "S3UploadMode": "Continuous"},
                }
            ],
            **key_member("KmsKeyId", job.kms_key),
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": len(job.shards),
                **instance_members(job.instance_type, job.preferences),
                "VolumeSizeInGB": job.volume_gb,
                **disk_key_member("VolumeKmsKeyId", job.kms_key, job.instance_type),
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
        "RoleArn": job.role,
        **({"NetworkConfig": network} if network else {}),
        "Tags": tag_list(job.tags),
    }


def _input(number: int, given: Given) -> dict[str, Any]:
    """FullyReplicated: under ShardedByS3Key nothing promises that an image and its mask meet."""
    return {
        "InputName": f"input-{number}",
        "S3Input": {
            "S3Uri": given.uri,
            "LocalPath": given.local_path,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def output_of(description: Mapping[str, Any]) -> str:
    """Where a job's only output goes; empty for a job of another make."""
    outputs = description.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return str(outputs[0].get("S3Output", {}).get("S3Uri", "")) if len(outputs) == 1 else ""

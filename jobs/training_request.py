"""The CreateTrainingJob request, as a pure function of a job's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTENT_TYPES = {
    "train": "image/jpeg",
    "validation": "image/jpeg",
    "train_annotation": "image/png",
    "validation_annotation": "image/png",
}
"""The four channels that the algorithm requires."""


@dataclass(frozen=True)
class TrainingJob:
    """What decides a training request. URIs are `s3://` for AWS, `file://` for the emulator."""

    name: str
    image: str
    role: str
    data_uri: str
    output_uri: str
    instance_type: str
    volume_gb: int
    max_runtime_seconds: int
    hyperparameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)


def training_request(job: TrainingJob) -> dict[str, Any]:
    """The dictionary that `create_training_job` takes."""
    return {
        "TrainingJobName": job.name,
        "HyperParameters": dict(job.hyperparameters),
        "AlgorithmSpecification": {"TrainingImage": job.image, "TrainingInputMode": "File"},
        "RoleArn": job.role,
        "InputDataConfig": [channel(job.data_uri, name) for name in CONTENT_TYPES],
        "OutputDataConfig": {"S3OutputPath": job.output_uri},
        "ResourceConfig": {
            "InstanceType": job.instance_type,
            "InstanceCount": 1,  # the algorithm trains on one machine
            "VolumeSizeInGB": job.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_seconds},
        "Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()],
    }


def channel(data_uri: str, name: str) -> dict[str, Any]:
    """One channel. The URI ends in a slash: `…/train` would match `…/train_annotation` too."""
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"{data_uri.rstrip('/')}/{name}/",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "ContentType": CONTENT_TYPES[name],
        "CompressionType": "None",
        "RecordWrapperType": "None",
        "InputMode": "File",
    }

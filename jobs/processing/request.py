"""What CreateProcessingJob is asked: one job of N instances, each of which makes its own shards of a verb's work.

Its paths are those of the container, whose tree `/opt/ml` the emulator puts elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from formats.errors import SagesegError
from formats.shards.shard import Shard, name_shards
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
INPUT, PLAN_INPUT, CODE, OUTPUT = (f"{_TREE}/{name}" for name in ("input", "plan", "code", "output"))
COMMAND, HOST_VERB = "sageseg", ("jobs", "process-host")
"""The command of this project, and which of its verbs an instance runs."""
MOST_WORDS, _LONGEST_WORD = 100, 256
"""Of ContainerArguments in the service's model."""


@dataclass(frozen=True)
class Given:
    """An input: the URI of a folder or of a file, whole on each instance, and where its folder is there."""

    uri: str
    local_path: str


@dataclass(frozen=True)
class Taken:
    """An output: what lies in its folder goes to a URI, when the job has ended well or as it appears."""

    name: str
    uri: str
    local_path: str
    as_it_appears: bool = False


@dataclass(frozen=True)
class Hosts:
    """What a job runs on, and as whom."""

    image: str
    role: str
    instance_type: str
    count: int
    volume_gb: int
    max_runtime_seconds: int
    preferences: tuple[str, ...] = ()
    kms_key: str | None = None
    network: Network = ANY_NETWORK


@dataclass(frozen=True)
class ProcessingJob:
    """One job. `words` are the verb's, with the paths of the container; `shards` are made by the instances in their
    order, one each. With `preferences`, `instance_type` is the first of them, and the service takes the first that has
    capacity. `entrypoint` is the command of this project, or what installs it first."""

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
    entrypoint: tuple[str, ...] = (COMMAND,)


def processing_request(job: ProcessingJob) -> dict[str, Any]:
    """The dictionary that `create_processing_job` takes. Outputs go out as they appear: what one instance has made
    stays where another fails."""
    hosts = Hosts(job.image, job.role, job.instance_type, len(job.shards), job.volume_gb, job.max_runtime_seconds)
    body = processing_body(
        [*job.entrypoint, *HOST_VERB],
        ["--shard", name_shards(job.shards), *job.words],
        job.inputs,
        [Taken("shards", job.output_uri, OUTPUT, as_it_appears=True)],
        replace(hosts, preferences=job.preferences, kms_key=job.kms_key, network=job.network),
    )
    return {"ProcessingJobName": job.name, **body, "Tags": tag_list(job.tags)}


def processing_body(
    entrypoint: Sequence[str], words: Sequence[str], inputs: Sequence[Given], outputs: Sequence[Taken], hosts: Hosts
) -> dict[str, Any]:
    """What a processing job is asked, but for its name and tags. Raises SagesegError for words that it cannot be
    told."""
    check_words(words)
    network = network_members(hosts.network)
    return {
        "AppSpecification": {
            "ImageUri": hosts.image,
            "ContainerEntrypoint": list(entrypoint),
            "ContainerArguments": list(words),
        },
        "ProcessingInputs": [_input(number, given) for number, given in enumerate(inputs, 1)],
        "ProcessingOutputConfig": {
            "Outputs": [_output(taken) for taken in outputs],
            **key_member("KmsKeyId", hosts.kms_key),
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": hosts.count,
                **instance_members(hosts.instance_type, hosts.preferences),
                "VolumeSizeInGB": hosts.volume_gb,
                **disk_key_member("VolumeKmsKeyId", hosts.kms_key, hosts.instance_type),
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": hosts.max_runtime_seconds},
        "RoleArn": hosts.role,
        **({"NetworkConfig": network} if network else {}),
    }


def check_words(words: Sequence[str]) -> None:
    """Raise SagesegError for more words, or longer ones, than a container can be told."""
    if len(words) > MOST_WORDS:
        raise SagesegError(
            f"{len(words)} words: a processing job's container is told {MOST_WORDS} at the most; put folders together, "
            "or leave options out"
        )
    for word in words:
        if len(word) > _LONGEST_WORD:
            raise SagesegError(
                f"{word[:60]}…: {len(word)} characters; a processing job's container is told words of {_LONGEST_WORD} "
                "at the most: choose shorter names"
            )


def _output(taken: Taken) -> dict[str, Any]:
    mode = "Continuous" if taken.as_it_appears else "EndOfJob"
    return {
        "OutputName": taken.name,
        "S3Output": {"S3Uri": taken.uri, "LocalPath": taken.local_path, "S3UploadMode": mode},
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


def words_of(description: Mapping[str, Any]) -> list[str]:
    """The verb and its words, with the paths of the container, that a job's instances were given; none of a job of
    another make."""
    option, _, *words = description["AppSpecification"].get("ContainerArguments", []) or ("", "")
    return words if option == "--shard" else []


def output_of(description: Mapping[str, Any]) -> str:
    """Where a job's only output goes; empty for a job of another make."""
    outputs = description.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return str(outputs[0].get("S3Output", {}).get("S3Uri", "")) if len(outputs) == 1 else ""

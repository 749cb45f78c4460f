"""What the verbs of jobs accept, beside the hyperparameters. Each dataclass is one group of options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from formats.command_options import option, parse_crop
from formats.errors import SagesegError
from jobs.contract.instances import DEFAULT_CPU, DEFAULT_GPUS, parse_instance_types
from jobs.contract.training_request import VALIDATION_SOURCES

DAY = 86400
ROUTES = ("endpoint", "batch", "artefact")
INVOCATIONS = 8
SERVING_INSTANCE = "ml.c5.xlarge"


def parse_backend(text: str) -> str:
    """`aws` or `local`."""
    if text not in ("aws", "local"):
        raise SagesegError(f"--backend {text}: expected aws or local")
    return text


def parse_via(text: str) -> str:
    """Where a model runs."""
    if text not in ROUTES:
        raise SagesegError(f"--via {text}: expected {', '.join(ROUTES[:-1])} or {ROUTES[-1]}")
    return text


def parse_lease(text: str) -> timedelta:
    """`2h`; the rule is the lease's own."""
    from jobs.endpoints.lease import parse_ttl  # it needs boto3, and help must not

    return parse_ttl(text)


def parse_validate_on(text: str) -> str:
    """`validation` or `train`."""
    if text not in VALIDATION_SOURCES:
        raise SagesegError(f"--validate-on {text}: expected {' or '.join(VALIDATION_SOURCES)}")
    return text


def parse_list(text: str) -> tuple[str, ...]:
    """`a,b`: names with commas between."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_tags(text: str) -> dict[str, str]:
    """`team=vision,cost-center=7`."""
    tags = dict(re.findall(r"([^=,]+)=([^,]*)", text))
    if ",".join(f"{key}={value}" for key, value in tags.items()) != text:
        raise SagesegError(f"--tags {text}: expected KEY=VALUE, comma between")
    return tags


@dataclass(frozen=True)
class StartOptions:
    """Where a job runs, under which name, and how much may be spent on it."""

    backend: str = option(
        "aws",
        "aws, or local: the same request to the emulator on this machine.",
        parser=parse_backend,
        metavar="aws|local",
    )
    region: str | None = option(None, "AWS region; by default the environment's.")
    name: str | None = option(None, "Name of the job; by default algorithm, dataset and time.")
    like: str | None = option(None, "A job whose hyperparameters are taken where none are given.", metavar="JOB")
    max_cost: float | None = option(None, "Refuse what may cost more, in US dollars.", metavar="USD")
    yes: bool = option(False, "Spend without asking.")
    dry_run: bool = option(False, "Print the request, send nothing.")
    wait: bool = option(True, "Follow the job to its end.")


@dataclass(frozen=True)
class DataOptions:
    """What a job reads, and where its artefact goes."""

    data: str | None = option(None, "Where the dataset is uploaded to, s3://bucket/prefix.")
    output: str | None = option(None, "Where the artefact goes; by default <data>/output.")
    validate_on: str = option(
        "validation",
        "train: score the training images, where there are no others.",
        parser=parse_validate_on,
        metavar="validation|train",
    )
    model: str | None = option(None, "A job, or the URI of its artefact, whose model is trained further.")
    label_map: Path | None = option(None, "Folder with train_label_map.json and validation_label_map.json.")
    pretrained: str | None = option(
        None,
        "ImageNet weights for an --image of your own without internet: in S3, or here with --backend local.",
        metavar="PLACE",
    )
    augmented_manifest: bool = option(False, "Stream the images by augmented manifests, instead of copying them.")
    bucket_owner: str | None = option(None, "Account that owns the bucket; by default yours; any does not ask.")


@dataclass(frozen=True)
class MachineOptions:
    """What a job runs on."""

    instance_type: tuple[str, ...] | None = option(
        None,
        f"GPU instances, tried in order; by default {','.join(DEFAULT_GPUS)}, for --image or unet {DEFAULT_CPU}.",
        parser=parse_instance_types,
        metavar="TYPE[,TYPE…]",
    )
    volume_size: int | None = option(None, "Disk of the instance in GB; by default from the dataset's bytes.")
    max_runtime: int = option(DAY, "Seconds after which the job is stopped.")
    spot: bool = option(False, "Spare capacity: cheaper, may be interrupted; goes on from checkpoints.")
    max_wait: int | None = option(
        None, "Seconds in all, waiting for spot capacity included; by default twice the runtime."
    )
    image: str | None = option(None, "A container of your own instead of the built-in's.", metavar="URI")


@dataclass(frozen=True)
class SecurityOptions:
    """As whom a job runs, what encrypts it, and which network it sees."""

    role: str | None = option(None, "ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    kms_key: str | None = option(None, "KMS key for uploads, the instance's disk and the artefact.", metavar="KEY")
    subnets: tuple[str, ...] = option((), "Subnets of your VPC to run in.", parser=parse_list, metavar="ID[,ID…]")
    security_groups: tuple[str, ...] = option((), "Security groups in that VPC.", parser=parse_list, metavar="ID[,ID…]")
    network_isolation: bool = option(False, "Give the container no network.")
    tags: dict[str, str] | None = option(None, "Tags for the job.", parser=parse_tags, metavar="KEY=VALUE[,…]")


@dataclass(frozen=True)
class TrainOptions:
    """All that decides where and how a job runs; what it learns are the hyperparameters."""

    start: StartOptions = StartOptions()
    data: DataOptions = DataOptions()
    machine: MachineOptions = MachineOptions()
    security: SecurityOptions = SecurityOptions()


@dataclass(frozen=True)
class PredictOptions:
    """What is predicted, and what is kept of it."""

    via: str = option(
        "artefact",
        "Where the model runs: on its endpoint, in a batch transform, or from its artefact on this machine.",
        parser=parse_via,
        metavar="|".join(ROUTES),
    )
    split: str = option("val", "The split of a dataset to predict.")
    crop: int | None = option(
        512, "Side of the crops cut from a folder's images, or none.", parser=parse_crop, metavar="N|none"
    )
    overlap: int = option(64, "Pixels that those crops share.")
    images: Path | None = option(None, "A dataset's source images, to predict its dropped crops too.")
    probabilities: bool = option(False, "Keep class probabilities as well.")
    overwrite: bool = option(False, "Replace what is at --out.")


@dataclass(frozen=True)
class RouteOptions:
    """How an endpoint is asked, and what a batch transform runs on and may cost."""

    endpoint: str | None = option(None, "The endpoint to ask; by default the one that serves the job.", metavar="NAME")
    parallel: int = option(INVOCATIONS, "Images sent to the endpoint at a time.", metavar="N")
    region: str | None = option(None, "AWS region; by default the job's, or the environment's.")
    instance_type: str = option(SERVING_INSTANCE, "What a batch transform runs on.", metavar="TYPE")
    role: str | None = option(None, "ARN of the role for a batch transform; by default the job's.")
    max_cost: float | None = option(None, "Stop a batch transform that has cost so much, in dollars.", metavar="USD")
    yes: bool = option(False, "Spend on a batch transform without asking.")
    keep: bool = option(False, "Keep what a batch transform was sent and answered, and its model.")


@dataclass(frozen=True)
class DeployOptions:
    """Where an endpoint runs, under which name, for how long, and what it may cost."""

    instance_type: str = option(SERVING_INSTANCE, "What the endpoint runs on.", metavar="TYPE")
    instance_count: int = option(1, "How many of them.", metavar="N")
    ttl: timedelta | None = option(
        None, "Lease: after so long the endpoint is deleted, 30m, 2h, 1d.", parser=parse_lease, metavar="TIME"
    )
    scheduler_role: str | None = option(
        None,
        "ARN of the role with which EventBridge Scheduler ends the lease; SAGESEG_SCHEDULER_ROLE in the environment.",
    )
    name: str | None = option(None, "Name of the endpoint; by default the job's.")
    image: str | None = option(None, "A container of your own; by default the job's.", metavar="URI")
    role: str | None = option(None, "ARN of the role that SageMaker assumes; by default the job's, or SAGESEG_ROLE.")
    region: str | None = option(None, "AWS region; by default the job's, or the environment's.")
    max_cost: float | None = option(
        None, "Refuse what may cost more until the lease ends, without a lease in a month.", metavar="USD"
    )
    yes: bool = option(False, "Spend without asking.")
    dry_run: bool = option(False, "Print the requests, send nothing.")
    wait: bool = option(True, "Wait until it is in service, and ask it once.")

"""What `sageseg jobs train` and `tune` accept, beside the hyperparameters. Each dataclass is one group of options."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from formats.errors import SagesegError
from formats.verbs.command_options import option
from formats.verbs.completion import several_of
from jobs.contract.channels import VALIDATION_SOURCES
from jobs.contract.instances import DEFAULT_CPU, DEFAULT_GPUS, GPU_INSTANCES, parse_instance_types
from jobs.contract.training_request import Network
from jobs.cost.prices import parse_max_cost, parse_rate
from jobs.recording.place import parse_mlflow

DAY = 86400


def parse_backend(text: str) -> str:
    """`aws` or `local`."""
    if text not in ("aws", "local"):
        raise SagesegError(f"--backend {text}: expected aws or local")
    return text


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
class BackendOptions:
    """Where it runs."""

    backend: str = option(
        "aws",
        "aws, or local: the same request to the emulator on this machine.",
        parser=parse_backend,
        metavar="aws|local",
    )
    region: str | None = option(None, "AWS region; by default the environment's.")


@dataclass(frozen=True)
class OwnerOptions:
    """As whom it runs, and what tells to whom it belongs."""

    role: str | None = option(None, "ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    tags: dict[str, str] | None = option(None, "Tags for what is made.", parser=parse_tags, metavar="KEY=VALUE[,…]")


@dataclass(frozen=True)
class JobOptions(BackendOptions):
    """Where a job runs, under which name, and how much may be spent on it."""

    name: str | None = option(None, "Name of the job.")
    max_cost: float | None = option(
        None, "Refuse what may cost more, in US dollars.", parser=parse_max_cost, metavar="USD"
    )
    rate: float | None = option(
        None, "Your own dollars per hour of an instance, in place of the price list.", parser=parse_rate, metavar="USD"
    )
    yes: bool = option(False, "Spend without asking.")
    dry_run: bool = option(False, "Print the request and what it may cost, start nothing.")
    wait: bool = option(True, "Follow the job to its end.")

    def idle(self) -> list[str]:
        """A sentence for each given option that another makes idle."""
        dollars = {"--max-cost": self.max_cost, "--rate": self.rate} if self.backend == "local" else {}
        given = [name for name, usd in dollars.items() if usd is not None]
        return [f"{name} has no effect: on this machine nothing is paid" for name in given]


@dataclass(frozen=True)
class StartOptions(JobOptions):
    """Where a job runs, under which name, and how much may be spent on it."""

    name: str | None = option(None, "Name of the job; by default algorithm, dataset and time.")
    dry_run: bool = option(False, "Print the request, say what the check finds and what it may cost, start nothing.")
    like: str | None = option(None, "A job whose hyperparameters are taken where none are given.", metavar="JOB")
    mlflow: str | None = option(
        None, "Write the job down at an MLflow server, or a managed one.", parser=parse_mlflow, metavar="URI|ARN"
    )


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
        completes=several_of(GPU_INSTANCES),
    )
    volume_size: int | None = option(None, "Disk of the instance in GB; by default from the dataset's bytes.")
    max_runtime: int = option(DAY, "Seconds after which the job is stopped.")
    spot: bool = option(False, "Spare capacity: cheaper, may be interrupted; goes on from checkpoints.")
    max_wait: int | None = option(
        None, "Seconds in all, waiting for spot capacity included; by default twice the runtime."
    )
    image: str | None = option(None, "A container of your own instead of the built-in's.", metavar="URI")


@dataclass(frozen=True)
class SecurityOptions(OwnerOptions):
    """As whom a job runs, what encrypts it, and which network it sees."""

    kms_key: str | None = option(
        None, "KMS key for uploads, the instance's disk and what the job leaves.", metavar="KEY"
    )
    subnets: tuple[str, ...] = option((), "Subnets of your VPC to run in.", parser=parse_list, metavar="ID[,ID…]")
    security_groups: tuple[str, ...] = option((), "Security groups in that VPC.", parser=parse_list, metavar="ID[,ID…]")
    network_isolation: bool = option(False, "Give the container no network.")

    @property
    def network(self) -> Network:
        """Raises SagesegError for a VPC that is told by half."""
        if bool(self.subnets) != bool(self.security_groups):
            raise SagesegError("--subnets and --security-groups: a VPC needs both; pass both, or none")
        return Network(self.subnets, self.security_groups, self.network_isolation)


@dataclass(frozen=True)
class TrainOptions:
    """All that decides where and how a job runs; what it learns are the hyperparameters."""

    start: StartOptions = StartOptions()
    data: DataOptions = DataOptions()
    machine: MachineOptions = MachineOptions()
    security: SecurityOptions = SecurityOptions()

    def named(self, name: str) -> TrainOptions:
        """The same under a name."""
        return replace(self, start=replace(self.start, name=name))

"""What the verbs of jobs accept, beside the hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from formats.command_options import option, parse_crop
from formats.errors import SagesegError
from jobs.instances import DEFAULT_CPU, DEFAULT_GPU


def parse_backend(text: str) -> str:
    """`aws` or `local`."""
    if text not in ("aws", "local"):
        raise SagesegError(f"--backend {text}: expected aws or local")
    return text


def parse_via(text: str) -> str:
    """Where a model runs; so far only from its artefact, on this machine."""
    if text != "artefact":
        raise SagesegError(f"--via {text}: expected artefact, the model.tar.gz on this machine")
    return text


@dataclass(frozen=True)
class TrainOptions:
    """Where and how a job runs; what it learns are the hyperparameters."""

    backend: str = option(
        "aws",
        "aws, or local: the same request to the emulator on this machine.",
        parser=parse_backend,
        metavar="aws|local",
    )
    instance_type: str | None = option(
        None, f"GPU instance; by default {DEFAULT_GPU}, for --image or unet {DEFAULT_CPU}."
    )
    volume_size: int | None = option(None, "Disk of the instance in GB; by default from the dataset's bytes.")
    data: str | None = option(None, "Where the dataset is uploaded to, s3://bucket/prefix.")
    output: str | None = option(None, "Where the artefact goes; by default <data>/output.")
    role: str | None = option(None, "ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    image: str | None = option(None, "A container of your own instead of the built-in's.", metavar="URI")
    name: str | None = option(None, "Name of the job; by default algorithm, dataset and time.")
    region: str | None = option(None, "AWS region; by default the environment's.")
    max_runtime: int = option(86400, "Seconds after which the job is stopped.")
    dry_run: bool = option(False, "Print the request, send nothing.")
    wait: bool = option(True, "Follow log and status to the end.")


@dataclass(frozen=True)
class PredictOptions:
    """What is predicted, and what is kept of it."""

    via: str = option(
        "artefact", "Where the model runs: artefact is this machine.", parser=parse_via, metavar="artefact"
    )
    split: str = option("val", "The split of a dataset to predict.")
    crop: int | None = option(
        512, "Side of the crops cut from a folder's images, or none.", parser=parse_crop, metavar="N|none"
    )
    overlap: int = option(64, "Pixels that those crops share.")
    images: Path | None = option(None, "A dataset's source images, to predict its dropped crops too.")
    probabilities: bool = option(False, "Keep class probabilities as well.")
    overwrite: bool = option(False, "Replace what is at --out.")

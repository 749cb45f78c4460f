"""The weights that a training starts from: an earlier job's, ImageNet's, or chance."""

from __future__ import annotations

import logging
from pathlib import Path

from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.weights.load import load_parameters
from jobs.algorithm.weights.pretrained import load_pretrained
from jobs.contract.artefact import Artefact, artefact_network, read_artefact
from jobs.contract.channels import PRETRAINED
from jobs.contract.hyperparameters import Hyperparameters

MUST_EQUAL = ("algorithm", "backbone", "num_classes", "crop_size")
"""What incremental training may not change (developer guide, Semantic Segmentation)."""


def load_start_weights(network: nn.Module, settings: Hyperparameters, data: Path) -> None:
    """The `model` channel's weights where the job has one, else ImageNet's where it asks for them.

    Raises SagesegError for weights that cannot be used, and for a `pretrained` channel that would
    not be read.
    """
    channel, pretrained = data / "model", data / PRETRAINED
    if pretrained.is_dir() and (channel.is_dir() or not settings.use_pretrained_model):
        reason = "channel model takes its place" if channel.is_dir() else "use_pretrained_model is False"
        raise SagesegError(f"channel {PRETRAINED}: would not be read, because {reason}; leave one of the two out")
    if channel.is_dir():
        artefact = read_artefact(_only_artefact(channel))
        check_same_network(artefact, settings)
        load_parameters(network, artefact.parameters, artefact.source)
        logging.getLogger(__name__).info("continuing the model of channel model")
    elif settings.use_pretrained_model:
        path = load_pretrained(network, settings.backbone, pretrained if pretrained.is_dir() else None)
        logging.getLogger(__name__).info("starting from ImageNet weights of %s: %s", settings.backbone, path)


def check_same_network(artefact: Artefact, settings: Hyperparameters) -> None:
    """Raise SagesegError naming the hyperparameter in which the earlier job differs."""
    earlier = artefact_network(artefact)
    for name in MUST_EQUAL:
        before, now = getattr(earlier, name), getattr(settings, name)
        if before != now and not (name == "backbone" and settings.algorithm == earlier.algorithm == "unet"):
            raise SagesegError(
                f"{artefact.source}: trained with {name} {before}, and this job has {now}; incremental training "
                f"needs the same {', '.join(MUST_EQUAL)}"
            )


def _only_artefact(channel: Path) -> Path:
    found = sorted(channel.rglob("*.tar.gz"))
    if len(found) != 1:
        raise SagesegError(f"{channel}: holds {len(found)} .tar.gz files; expected one, an earlier job's model.tar.gz")
    return found[0]

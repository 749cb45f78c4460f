"""A small artefact of the open implementation, as a training leaves it, without training."""

from __future__ import annotations

from pathlib import Path

import torch

from jobs.algorithm.network.build import build_network
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.model_archive import pack_artefact


def write_artefact(path: Path, classes: int) -> None:
    """A unet with random weights."""
    torch.manual_seed(1)
    given = {"num_classes": str(classes), "num_training_samples": "1", "algorithm": "unet", "crop_size": "24"}
    settings = parse_hyperparameters(given, "open")
    folder = path.with_suffix(".model")
    folder.mkdir()
    write_hyperparameters(folder, as_strings(settings))
    write_parameters(folder / BEST, to_parameters(build_network(settings)))
    pack_artefact(folder, path)

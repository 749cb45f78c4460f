"""The networks by the names of the hyperparameter `algorithm`."""

from __future__ import annotations

import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.unet import UNet
from jobs.hyperparameters import Hyperparameters


def build_network(hyperparameters: Hyperparameters) -> nn.Module:
    """A network with fresh weights: normalised images (N, 3, H, W) to class scores (N, C, H, W).

    Raises SagesegError for what the open implementation does not have yet.
    """
    if hyperparameters.algorithm != "unet":
        raise SagesegError(
            f"algorithm {hyperparameters.algorithm}: not in the open implementation yet; expected unet, "
            "or --backend aws for the built-in algorithm"
        )
    return UNet(hyperparameters.num_classes).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

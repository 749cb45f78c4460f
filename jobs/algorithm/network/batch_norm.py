"""BatchNorm with what follows it; where an image may be pooled to a single place; and counting nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from jobs.algorithm.network.fused_norm import FusedBatchNorm2d

N = TypeVar("N", bound=nn.Module)


class PooledBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that also trains on a single value per channel, which torch refuses.

    One image pooled to one place has no variance; mxnet gives `beta` for it, and so does torch for
    the same value twice.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        if self.training and input.numel() == input.shape[1]:
            return super().forward(input.expand(2, -1, -1, -1))[:1]
        return super().forward(input)


class Layers(nn.Sequential):
    """Layers one after the other; a ReLU, which is never the first, runs with the layer before it."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        features = input
        for layer, after in pairwise([*self, None]):
            if isinstance(after, nn.ReLU):
                features = normalised(layer, features)
            elif not isinstance(layer, nn.ReLU):
                features = layer(features)
        return features


def normalised(norm: nn.Module, features: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
    """`features` through a layer, plus the shortcut where there is one, through ReLU: the one place that says
    how these run where the layer is a BatchNorm."""
    if isinstance(norm, FusedBatchNorm2d) and norm.training:
        return norm.fused(features, shortcut, relu=True)
    features = norm(features)
    if shortcut is not None:
        features = features.add_(shortcut)
    return F.relu_(features)


def without_counts(network: N) -> N:
    """The network whose BatchNorms no longer count their batches, which nobody reads: on a GPU each
    count is a kernel to start in every step. SyncBatchNorm insists on counting."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = None
    return network

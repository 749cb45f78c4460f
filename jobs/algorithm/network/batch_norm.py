"""BatchNorm where an image may be pooled to a single place, and BatchNorm that counts nothing."""

from __future__ import annotations

import torch
from torch import nn


class PooledBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm that also trains on a single value per channel, which torch refuses.

    One image pooled to one place has no variance; mxnet gives `beta` for it, and so does torch for
    the same value twice.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        if self.training and input.numel() == input.shape[1]:
            return super().forward(input.expand(2, -1, -1, -1))[:1]
        return super().forward(input)


def without_counts(network: nn.Module) -> nn.Module:
    """The network whose BatchNorms no longer count their batches, which nobody reads: on a GPU each
    count is a kernel to start in every step. SyncBatchNorm insists on counting."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = None
    return network

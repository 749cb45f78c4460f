"""BatchNorm where an image may be pooled to a single place."""

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

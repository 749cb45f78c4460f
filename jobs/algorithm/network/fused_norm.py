"""BatchNorm in training, with the addition of a shortcut and with ReLU where they follow, as one.

With ReLU it passes over memory 8 times, forward and backward, where apart it is 13: statistics (read x), result
(read x, write y), sums of the gradients (read dy and x), gradient (read dy and x, write dx). With a shortcut as well
it is 11 where apart it is 16. Of a layer no more is kept for the backward pass than apart: its input, and with
a shortcut its result, which the convolution after it keeps as well.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from torch.autograd.function import once_differentiable


class Normalisation(NamedTuple):
    """What a layer does with its features, float32: statistics (2, C) are their mean and
    1 / √(variance + epsilon); weight and bias (C,)."""

    statistics: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor


class Kernels(Protocol):
    """What computes it. Features and gradients are (N, C, H, W), channels last in memory, of any float type;
    totals are (2, C) float32."""

    def measure(
        self,
        features: torch.Tensor,
        running_mean: torch.Tensor,
        running_var: torch.Tensor,
        momentum: float,
        epsilon: float,
    ) -> torch.Tensor:
        """The statistics of the batch. The running ones move towards them in place, the variance towards
        the unbiased one."""

    def apply(
        self, features: torch.Tensor, shortcut: torch.Tensor | None, norm: Normalisation, relu: bool
    ) -> torch.Tensor:
        """The result, in the type of the features."""

    def sums(
        self,
        gradient: torch.Tensor,
        features: torch.Tensor,
        result: torch.Tensor | None,
        norm: Normalisation,
        relu: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Totals, and the gradient of what ReLU was given. The totals are those of bias and weight: the sums
        of that gradient, and of it times the standardised features. `result` is given with a shortcut: its
        sign is ReLU's. Without it the sign is computed from the features, and the second is `gradient`."""

    def differentiate(
        self, gradient: torch.Tensor, features: torch.Tensor, totals: torch.Tensor, norm: Normalisation, relu: bool
    ) -> torch.Tensor:
        """The gradient of the features, in their type, where `relu` with ReLU's yet to be taken."""


class FusedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm with the parameters and statistics of another one, computed by kernels in training. It counts
    no batches. A single value per channel gives beta, as `PooledBatchNorm2d`'s."""

    def __init__(self, plain: nn.BatchNorm2d, kernels: Kernels) -> None:
        super().__init__(plain.num_features, plain.eps, plain.momentum)
        self.weight, self.bias = plain.weight, plain.bias
        self.running_mean, self.running_var = plain.running_mean, plain.running_var
        self.num_batches_tracked = None
        self._kernels = kernels

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        return self.fused(input, None, relu=False) if self.training else super().forward(input)

    def fused(self, features: torch.Tensor, shortcut: torch.Tensor | None, relu: bool) -> torch.Tensor:
        """`features` normalised, plus the shortcut where there is one, through ReLU if asked for."""
        given = (features, shortcut, self.weight, self.bias, self.running_mean, self.running_var)
        result: torch.Tensor = _Fused.apply(*given, self.momentum, self.eps, relu, self._kernels)  # type: ignore[no-untyped-call]
        return result


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: torch.Tensor,
        shortcut: torch.Tensor | None,
        weight: torch.Tensor,
        bias: torch.Tensor,
        running_mean: torch.Tensor,
        running_var: torch.Tensor,
        momentum: float,
        epsilon: float,
        relu: bool,
        kernels: Kernels,
    ) -> torch.Tensor:
        features = _channels_last(features)
        shortcut = None if shortcut is None else _channels_last(shortcut)
        statistics = kernels.measure(features, running_mean, running_var, momentum, epsilon)
        norm = Normalisation(statistics, weight, bias)
        result = kernels.apply(features, shortcut, norm, relu)
        ctx.save_for_backward(features, None if shortcut is None else result, *norm)
        ctx.relu, ctx.kernels = relu, kernels
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        features, result, *terms = ctx.saved_tensors
        norm = Normalisation(*terms)
        gradient = _channels_last(gradient)
        kernels: Kernels = ctx.kernels
        totals, passed = kernels.sums(gradient, features, result, norm, ctx.relu)
        still = ctx.relu and result is None
        found = kernels.differentiate(passed, features, totals, norm, still)
        return found, None if result is None else passed, totals[1], totals[0], *(None,) * 6


def _channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.contiguous(memory_format=torch.channels_last)

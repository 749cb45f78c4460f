"""Convolutions that have taken their BatchNorm in, with their ReLU and the addition of a shortcut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from jobs.algorithm.inference.winograd import WinogradConvolution, products_of


@dataclass(frozen=True)
class Folded:
    """A convolution with its BatchNorm in it: `weight` (K, C, h, w) and `bias` (K,), float32. `relu` tells
    whether a ReLU follows."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    relu: bool


Make = Callable[[Folded], nn.Module]
"""Makes a module that convolves: features, and perhaps a shortcut that is added before the ReLU and that
may be overwritten, to features."""


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None = None, *, relu: bool = False) -> Folded:
    """BatchNorm in evaluation mode is y = (x - mean) / √(variance + ε) · weight + bias, which a convolution
    before it can do by its own weights; computed in float64."""
    weight = convolution.weight.detach().double()
    bias = torch.zeros(len(weight), dtype=torch.float64) if convolution.bias is None else convolution.bias.double()
    if norm is not None:
        if norm.running_mean is None or norm.running_var is None:
            raise ValueError("a BatchNorm without statistics has nothing to fold")
        scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = weight * scale[:, None, None, None]
        bias = (bias - norm.running_mean.double()) * scale + norm.bias.double()
    padding = tuple(int(side) for side in convolution.padding)
    return Folded(weight.float(), bias.detach().float(), convolution.stride, padding, convolution.dilation, relu)


class Convolution(nn.Module):
    """By torch's own operations, on any device."""

    def __init__(self, folded: Folded, dtype: torch.dtype, device: torch.device | None = None) -> None:
        super().__init__()
        self.folded = folded
        weight = folded.weight.to(device, dtype, memory_format=torch.channels_last)
        self.weight, self.bias = weight, folded.bias.to(device, dtype)

    def forward(self, features: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        folded = self.folded
        result = F.conv2d(features, self.weight, self.bias, folded.stride, folded.padding, folded.dilation)
        if shortcut is not None:
            result += shortcut
        return result.relu_() if folded.relu else result


class OneDnnConvolution(nn.Module):
    """By oneDNN's convolutions, which add and cut off below zero while results are still in the cache:
    torch's own operations for torch.compile, but ready at once and without a compiler."""

    def __init__(self, folded: Folded, dtype: torch.dtype) -> None:
        super().__init__()
        self.relu = folded.relu
        self.geometry = list(folded.padding), list(folded.stride), list(folded.dilation), 1
        weight = folded.weight.to(dtype=dtype, memory_format=torch.channels_last)
        self.weight, self.bias = weight, folded.bias.to(dtype)
        self.packed, self.packed_for = self.weight, torch.Size()

    def forward(self, features: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        packed = self._packed(features.shape)
        result: torch.Tensor
        if shortcut is None:
            result = torch.ops.mkldnn._convolution_pointwise(
                features, packed, self.bias, *self.geometry, "relu" if self.relu else "none", [], ""
            )
        else:
            result = torch.ops.mkldnn._convolution_pointwise_.binary(
                shortcut, features, packed, self.bias, *self.geometry, "add", 1.0, "relu" if self.relu else None,
                [], None,
            )  # fmt: skip
        return result

    def _packed(self, shape: torch.Size) -> torch.Tensor:
        """The weights in the layout that suits images of a shape. Threads may share this: one's layout serves
        another's shape too, only slower."""
        if shape != self.packed_for:
            self.packed = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *self.geometry, list(shape))
            self.packed_for = shape
        return self.packed


class WideConvolution(nn.Module):
    """A wide 3 × 3 convolution: Winograd's where the image has so many whole tiles that it saves `saving`
    times the products or more, else `direct`."""

    def __init__(self, folded: Folded, direct: nn.Module, saving: float) -> None:
        super().__init__()
        self.direct, self.saving, self.dilation = direct, saving, folded.dilation[0]
        self.winograd = WinogradConvolution(folded.weight, folded.bias, self.dilation, relu=folded.relu)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        height, width = features.shape[-2:]
        saves = 9 * height * width >= self.saving * products_of(height, width, self.dilation)
        result: torch.Tensor = self.winograd(features) if saves else self.direct(features)
        return result


@contextmanager
def always_winograd(network: nn.Module) -> Iterator[None]:
    """Within it wide convolutions are Winograd's, whatever that saves."""
    savings = {module: module.saving for module in network.modules() if isinstance(module, WideConvolution)}
    for module in savings:
        module.saving = 0
    try:
        yield
    finally:
        for module, saving in savings.items():
            module.saving = saving


def is_wide(folded: Folded, channels: int) -> bool:
    """Whether Winograd's scheme can do a convolution, and it has that many channels on both sides."""
    outputs, inputs, *kernel = folded.weight.shape
    plain = kernel == [3, 3] and folded.stride == (1, 1) and folded.padding == folded.dilation
    return plain and folded.dilation[0] == folded.dilation[1] and min(outputs, inputs) >= channels

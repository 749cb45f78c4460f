"""The networks of `jobs.algorithm.network` without what only training needs, for prediction.

BatchNorm goes into the convolutions before it, ReLU and the addition of a shortcut into the
convolution that they follow, dropout and the auxiliary head go. What is computed stays the same but for
rounding; `MakeConvolution` says how, and in which precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from jobs.algorithm.inference.convolution import Folded, Make, fold
from jobs.algorithm.network.batch_norm import Layers
from jobs.algorithm.network.build import SegmentationNetwork
from jobs.algorithm.network.resnet import Bottleneck
from jobs.algorithm.network.unet import UNet


def make_fast(network: nn.Module, make: Make) -> nn.Module:
    """Rebuild a network in evaluation mode, in place, of the convolutions that `make` makes. Returns it."""
    if isinstance(network, SegmentationNetwork):
        network.conv1 = Layers(*_joined([*network.conv1, network.bn1], make))
        for gone in ("bn1", "auxlayer"):
            setattr(network, gone, nn.Identity())
    if isinstance(network, UNet):
        network.stem, network.blocks = _PairedStem(network.stem, make), nn.Identity()
    return _rebuilt(network, make)


def _rebuilt(module: nn.Module, make: Make) -> nn.Module:
    match module:
        case Bottleneck():
            return _FastBottleneck(module, make)
        case nn.Conv2d():
            return make(fold(module))
        case nn.Sequential():
            return nn.Sequential(*_joined(list(module), make))
    for name, child in module.named_children():
        setattr(module, name, _rebuilt(child, make))
    return module


def _joined(modules: Sequence[nn.Module], make: Make) -> list[nn.Module]:
    """A row of modules in which each convolution took in what follows it."""
    rest, joined = list(modules), []
    while rest:
        module = rest.pop(0)
        if isinstance(module, nn.Conv2d):
            norm = rest[0] if rest and isinstance(rest[0], nn.BatchNorm2d) else None
            del rest[: norm is not None]
            relu = bool(rest) and isinstance(rest[0], nn.ReLU)
            del rest[:relu]
            joined.append(make(fold(module, norm, relu=relu)))
        elif not isinstance(module, nn.Dropout):
            joined.append(_rebuilt(module, make))
    return joined


class _FastBottleneck(nn.Module):
    def __init__(self, block: Bottleneck, make: Make) -> None:
        super().__init__()
        self.conv1 = make(fold(block.conv1, block.bn1, relu=True))
        self.conv2 = make(fold(block.conv2, block.bn2, relu=True))
        self.conv3 = make(fold(block.conv3, block.bn3, relu=True))
        self.downsample = None if block.downsample is None else _rebuilt(block.downsample, make)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        shortcut = features if self.downsample is None else self.downsample(features)
        result: torch.Tensor = self.conv3(self.conv2(self.conv1(features)), shortcut)
        return result


class _PairedStem(nn.Module):
    """U-Net's first convolution without moving pixels into blocks of 2 × 2: two neighbours of a row lie side
    by side in memory, (N, 6, H, W / 2), and a stride takes every other row."""

    def __init__(self, stem: nn.Module, make: Make) -> None:
        super().__init__()
        convolution, norm, _relu = stem.children()
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError(f"{stem}; expected a convolution and its BatchNorm")
        folded = fold(convolution, norm, relu=True)
        outputs = len(folded.weight)
        # of the block's channels (colour, row, column) and 3 × 3 to (column, colour) and 6 rows × 3
        weight = folded.weight.view(outputs, 3, 2, 2, 3, 3).permute(0, 3, 1, 4, 2, 5).reshape(outputs, 6, 6, 3)
        self.convolution = make(Folded(weight, folded.bias, (2, 1), (2, 1), (1, 1), relu=True))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        count, colours, height, width = images.shape
        rows = images.permute(0, 2, 3, 1).contiguous()
        pairs = rows.view(count, height, width // 2, 2 * colours).permute(0, 3, 1, 2)
        result: torch.Tensor = self.convolution(pairs)
        return result

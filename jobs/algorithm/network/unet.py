"""A small U-Net for machines without a GPU; under our own image only, the built-in has none.

The image enters as 2 × 2 blocks of pixels (12 channels at half size) and class scores leave the
same way, so that no convolution runs at full resolution: there the memory of BatchNorm and ReLU,
not arithmetic, costs most on a processor.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from jobs.algorithm.network.batch_norm import Layers, PooledBatchNorm2d

WIDTHS = (16, 32, 64, 96, 128)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's size; multiples of 16 suit the processor's
vector units."""
STRIDE = 2 ** len(WIDTHS)


def _unit(inputs: int, outputs: int, stride: int = 1) -> Layers:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return Layers(convolution, PooledBatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Blocks(nn.Module):
    """Images (N, 3, H, W) as blocks of 2 × 2 pixels, (N, 12, H / 2, W / 2)."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.pixel_unshuffle(images, 2).contiguous(memory_format=torch.channels_last)


class _Up(nn.Module):
    """Double the size, join the encoder's features of that size, mix."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.mix = _unit(2 * outputs, outputs)

    def forward(self, features: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        larger = F.interpolate(self.reduce(features), skip.shape[-2:], mode="bilinear", align_corners=False)
        # autocast makes float32 of what it resizes, and then of all that is joined with it
        mixed: torch.Tensor = self.mix(torch.cat([larger.to(skip.dtype), skip], 1))
        return mixed


class UNet(nn.Module):
    """Images (N, 3, H, W) of any size to class scores (N, num_classes, H, W), and None for the
    auxiliary scores that it does not make."""

    def __init__(self, num_classes: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.blocks: nn.Module = _Blocks()
        self.stem: nn.Module = _unit(12, widths[0])
        self.down = nn.ModuleList(nn.Sequential(_unit(a, b, 2), _unit(b, b)) for a, b in steps)
        self.up = nn.ModuleList(_Up(b, a) for a, b in reversed(steps))
        self.head = nn.Conv2d(widths[0], 4 * num_classes, 1)
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
        height, width = images.shape[-2:]
        features = self.stem(self.blocks(_padded(images)))
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(features)
        for up in self.up:
            features = up(features, skips.pop())
        # contiguous: softmax over few classes is slow when they lie next to each other in memory
        scores = F.pixel_shuffle(self.head(features).float().contiguous(), 2)
        return _cropped(scores, height, width), None


def _cropped(scores: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if torch.compiler.is_compiling():
        # an export that slices would take only sizes of which each side, or no side, needs padding
        rows, columns = (torch.arange(side, device=scores.device) for side in (height, width))
        return scores.index_select(2, rows).index_select(3, columns)
    return scores[..., :height, :width]


def _padded(images: torch.Tensor) -> torch.Tensor:
    """Repeat the last column and row until both sides are multiples of STRIDE."""
    height, width = images.shape[-2:]
    # an export holds for any size, so it always pads
    if not torch.compiler.is_compiling() and height % STRIDE == width % STRIDE == 0:
        return images
    rows, columns = (
        torch.arange((side + STRIDE - 1) // STRIDE * STRIDE, device=images.device) for side in (height, width)
    )
    return images[:, :, rows.clamp(max=height - 1)][..., columns.clamp(max=width - 1)]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)

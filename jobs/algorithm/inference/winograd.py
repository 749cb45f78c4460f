"""3 × 3 convolutions as matrix products: Winograd's F(4 × 4, 3 × 3).

Each 4 × 4 outputs take 36 products a channel in place of 144, so that float32, in which these are
computed, is faster than direct bfloat16 on processors whose vector units do both, and far more exact:
results differ from direct float32 convolutions by some 3e-6 of their spread. Matrices and scheme are
those of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.
A dilated convolution is several plain ones over every d-th row and column.
"""

from __future__ import annotations

import math
import threading

import torch
from torch import nn

OUT, SIDE = 4, 6
"""Outputs of a tile along a side, and the inputs that they depend on."""
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
_kept = threading.local()
_MOST_BYTES = 2**27
"""Of transformed inputs at once: an image of 2048 channels at 64 × 64 takes 75 MB."""


class WinogradConvolution(nn.Module):
    """A 3 × 3 convolution of stride 1 whose padding is its dilation, with its bias and ReLU.

    `weight` is (K, C, 3, 3) and `bias` (K,), both float32. Features come as (N, C, H, W) of any floating
    dtype, channels last in memory, and go as (N, K, H, W) of the same dtype and layout.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, dilation: int, *, relu: bool) -> None:
        super().__init__()
        self.dilation, self.relu, self.bias = dilation, relu, bias
        kernel = torch.tensor(_KERNEL, dtype=torch.float32)
        outputs, inputs = weight.shape[:2]
        columns = weight.permute(2, 3, 1, 0).reshape(9, inputs * outputs)
        self.kernels = (torch.kron(kernel, kernel) @ columns).view(SIDE**2, inputs, outputs)
        self.input, output = torch.tensor(_INPUT, dtype=torch.float32), torch.tensor(_OUTPUT, dtype=torch.float32)
        self.output = torch.kron(output, output)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        inputs, height, width = features.shape[1:]
        down, across = (tiles(side, self.dilation) for side in (height, width))
        at_once = max(_MOST_BYTES // (4 * SIDE**2 * inputs * self.dilation**2 * down * across), 1)
        parts = [self._convolved(some, down, across) for some in torch.split(features, at_once)]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return whole[:, :height, :width].permute(0, 3, 1, 2)

    def _convolved(self, features: torch.Tensor, down: int, across: int) -> torch.Tensor:
        """(N, H, W, K), with the rows and columns that whole tiles have too many."""
        count, step, outputs = len(features), self.dilation, self.kernels.shape[2]
        transformed = self._transformed(features, down, across)
        products = _scratch("products", SIDE**2, transformed.shape[1], outputs)
        torch.bmm(transformed, self.kernels, out=products)
        places = (self.output @ products.view(SIDE**2, -1)).view(OUT, OUT, count, step, down, step, across, outputs)
        places += self.bias
        result = features.new_empty(count, down, OUT, step, across, OUT, step, outputs)
        # a tile's rows lie `step` apart in the image, and so do its columns
        result.copy_(places.permute(2, 4, 0, 3, 6, 1, 5, 7))
        return (result.relu_() if self.relu else result).view(count, down * OUT * step, across * OUT * step, outputs)

    def _transformed(self, features: torch.Tensor, down: int, across: int) -> torch.Tensor:
        """(36, tiles, C) float32: a row of tiles at a time, which the processor's caches hold."""
        (count, inputs, height, width), step = features.shape, self.dilation
        rows, columns = ((number * OUT + 2) * step for number in (down, across))
        padded = _scratch("padded", count, rows, columns * inputs).zero_()
        inside = padded.view(count, rows, columns, inputs)[:, step : step + height, step : step + width]
        inside.copy_(features.permute(0, 2, 3, 1))
        half = torch.empty(SIDE, columns * inputs)
        # of each row of tiles its columns, which overlap
        sides = (SIDE, SIDE, step, across, inputs)
        overlapping = half.as_strided(sides, (half.stride(0), step * inputs, inputs, step * OUT * inputs, 1))
        tile = torch.empty(SIDE, SIDE, step * across * inputs)
        whole = _scratch("transformed", SIDE, SIDE, count * step * down, step * across * inputs)
        for place in range(count * step * down):
            number, phase, row = place // (step * down), place // down % step, place % down
            first = phase + row * step * OUT
            torch.mm(self.input, padded[number, first : first + step * SIDE : step], out=half)
            tile.view(sides).copy_(overlapping)
            for line in range(SIDE):
                torch.mm(self.input, tile[line], out=whole[line, :, place])
        return whole.view(SIDE**2, -1, inputs)


def _scratch(name: str, *shape: int) -> torch.Tensor:
    """Memory of this thread for a step's numbers, float32. It is kept: to have the system give 75 MB of zeros for
    every image would take a third of the transformation's time."""
    kept: dict[str, torch.Tensor] = _kept.__dict__
    size = math.prod(shape)
    if name not in kept or kept[name].numel() < size:
        with torch.inference_mode(False):  # whoever asks first, others may write into it
            kept[name] = torch.empty(size)
    return kept[name][:size].view(shape)


def tiles(side: int, dilation: int) -> int:
    """How many tiles cover a side of an image, for each of the `dilation` plain convolutions."""
    return -(-side // (dilation * OUT))

"""3 × 3 convolutions as matrix products: Winograd's F(4 × 4, 3 × 3) and F(6 × 6, 3 × 3).

Each 4 × 4 outputs take 36 products a channel in place of 144, each 6 × 6 take 64 in place of 324, so that
float32, in which these are computed, is faster than direct bfloat16 on processors whose vector units do both,
and far more exact: results differ from direct float32 convolutions by some 5e-6 of their spread. The scheme is
that of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4; the matrices are
Toom's and Cook's for the points below and infinity. A dilated convolution is several plain ones, each over
every d-th row and column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

KERNEL = 3
_POINTS = (0, 1, -1, 2, -2, 0.5, -0.5)
_MOST_BYTES = 2**27
"""Of transformed inputs at once: an image of 2048 channels at 64 × 64 takes 63 MB. A larger one goes by some rows of
tiles at a time."""
_TILES = 64
"""Tiles come in such rows, the last filled up: oneDNN lays its weights out for one length of rows, and with
other lengths takes up to a hundred times as long."""


def outputs_of(dilation: int) -> int:
    """Outputs of a tile along a side. Larger tiles need fewer products, but of the few rows and columns that a
    dilated convolution goes over at a time more would lie beyond the image."""
    return 6 if dilation == 1 else 4


def products_of(height: int, width: int, dilation: int) -> int:
    """Products for each pair of channels over an image, where directly there are 9 × height × width."""
    tiles = dilation**2 * math.prod(tiles_of(side, dilation) for side in (height, width))
    return _filled_up(tiles) * (outputs_of(dilation) + KERNEL - 1) ** 2


def tiles_of(side: int, dilation: int) -> int:
    """How many tiles cover a side of an image, for each of the `dilation` plain convolutions."""
    return -(-side // (dilation * outputs_of(dilation)))


def _filled_up(tiles: int) -> int:
    return -(-tiles // _TILES) * _TILES


class WinogradConvolution(nn.Module):
    """A 3 × 3 convolution of stride 1 whose padding is its dilation, with its bias and ReLU.

    `weight` is (K, C, 3, 3) and `bias` (K,), both float32. Features come as (N, C, H, W) of any floating
    dtype, channels last in memory, and go as (N, K, H, W) of the same dtype and layout.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, dilation: int, *, relu: bool) -> None:
        super().__init__()
        self.dilation, self.relu, self.bias, self.out = dilation, relu, bias, outputs_of(dilation)
        self.side = self.out + KERNEL - 1
        self.input, kernel, output = _matrices(self.out)
        self.output = torch.kron(output, output)
        self.outputs, inputs = weight.shape[:2]
        columns = weight.permute(2, 3, 0, 1).reshape(KERNEL**2, -1)
        self.products = _Products((torch.kron(kernel, kernel) @ columns).view(self.side**2, self.outputs, inputs))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        inputs, height, width = features.shape[1:]
        down, across = (tiles_of(side, self.dilation) for side in (height, width))
        row_bytes = 4 * self.side**2 * inputs * self.dilation**2 * across
        at_once, rows = max(_MOST_BYTES // (row_bytes * down), 1), min(max(_MOST_BYTES // row_bytes, 1), down)
        with _borrowed() as scratch:
            bands = [(first, min(rows, down - first), across) for first in range(0, down, rows)]
            parts = [
                _joined([self._convolved(some, scratch, tiles) for tiles in bands], 1)
                for some in torch.split(features, at_once)
            ]
        return _joined(parts, 0)[:, :height, :width].permute(0, 3, 1, 2)

    def _convolved(self, features: torch.Tensor, scratch: _Scratch, tiles: tuple[int, int, int]) -> torch.Tensor:
        """(N, H, W, K), with the rows and columns that whole tiles have too many; of `tiles`, the first row of tiles,
        how many rows of them, and how many they are in a row."""
        _, down, across = tiles
        count, step, out, outputs = len(features), self.dilation, self.out, self.outputs
        products = self.products(self._transformed(features, scratch, tiles), scratch).view(self.side**2, -1)
        places = self.output @ products[:, : count * step * down * step * across * outputs]
        places = places.view(out, out, count, step, down, step, across, outputs).add_(self.bias)
        result = features.new_empty(count, down, out, step, across, out, step, outputs)
        # a tile's rows lie `step` apart in the image, and so do its columns
        result.copy_(places.permute(2, 4, 0, 3, 6, 1, 5, 7))
        return (result.relu_() if self.relu else result).view(count, down * out * step, across * out * step, outputs)

    def _transformed(self, features: torch.Tensor, scratch: _Scratch, tiles: tuple[int, int, int]) -> torch.Tensor:
        """(side², tiles and what fills up their rows, C) float32: a row of tiles at a time, which the processor's
        caches hold."""
        (count, inputs, height, width), step, out, side = features.shape, self.dilation, self.out, self.side
        first_row, down, across = tiles
        rows, columns = ((number * out + KERNEL - 1) * step for number in (down, across))
        padded = scratch.take("padded", count, rows, columns * inputs).zero_()
        begin = (first_row * out - 1) * step  # of the image's rows, or before them
        low, high = max(begin, 0), min(begin + rows, height)
        inside = padded.view(count, rows, columns, inputs)[:, low - begin : high - begin, step : step + width]
        inside.copy_(features[:, :, low:high].permute(0, 2, 3, 1))
        half = torch.empty(side, columns * inputs)
        # of each row of tiles its columns, which overlap
        shape = (side, side, step, across, inputs)
        overlapping = half.as_strided(shape, (half.stride(0), step * inputs, inputs, step * out * inputs, 1))
        length, lines = step * across * inputs, count * step * down
        tile = torch.empty(side, side, length)
        whole = scratch.take("transformed", side, side, _filled_up(lines * step * across) * inputs)
        whole[..., lines * length :] = 0
        for place in range(lines):
            number, phase, row = place // (step * down), place // down % step, place % down
            first = phase + row * step * out
            torch.mm(self.input, padded[number, first : first + step * side : step], out=half)
            tile.view(shape).copy_(overlapping)
            for line in range(side):
                torch.mm(self.input, tile[line], out=whole[line, :, place * length : (place + 1) * length])
        return whole.view(side**2, -1, inputs)


def _joined(parts: list[torch.Tensor], along: int) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, along)


class _Products:
    """Products of (P, T, C) with (P, K, C), place by place, to (P, T, K), all float32. oneDNN's are a tenth
    faster than those of torch.bmm, for it keeps the weights in a layout of its own."""

    def __init__(self, kernels: torch.Tensor) -> None:
        self._kernels, self._outputs = list(kernels), kernels.shape[1]
        self._fused = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        if self._fused:
            size = [1, kernels.shape[2], 1, _TILES]
            weights = [kernel[..., None, None].contiguous(memory_format=torch.channels_last) for kernel in kernels]
            reorder = torch.ops.mkldnn._reorder_convolution_weight
            self._kernels = [reorder(weight, *_PLACE_BY_PLACE, size) for weight in weights]

    def __call__(self, values: torch.Tensor, scratch: _Scratch) -> torch.Tensor:
        places, count, inputs = values.shape
        products = scratch.take("products", places, count, self._outputs)
        for value, kernel, product in zip(values, self._kernels, products, strict=True):
            if self._fused:
                rows = value.view(-1, 1, _TILES, inputs).permute(0, 3, 1, 2)
                made = torch.ops.mkldnn._convolution_pointwise(rows, kernel, None, *_PLACE_BY_PLACE, "none", [], "")
                product.copy_(made.permute(0, 2, 3, 1).view(count, -1))
            else:
                torch.mm(value, kernel.T, out=product)
        return products


_PLACE_BY_PLACE = ([0, 0], [1, 1], [1, 1], 1)
"""Padding, stride, dilation and groups of a 1 × 1 convolution."""


def _matrices(out: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What transforms inputs (side, side), kernels (side, 3) and products (out, side), all float32."""
    side = out + KERNEL - 1
    found = np.linalg.inv(_powers(side, side)).T, _powers(side, KERNEL), _powers(side, out).T
    inputs, kernels, outputs = (torch.from_numpy(np.ascontiguousarray(matrix, np.float32)) for matrix in found)
    return inputs, kernels, outputs


def _powers(side: int, count: int) -> npt.NDArray[np.float64]:
    """(side, count): the first powers of each point, and of infinity, which counts the highest alone."""
    powers = np.array([[float(point) ** power for power in range(count)] for point in _POINTS[: side - 1]])
    return np.vstack([powers, np.eye(count)[-1]])


class _Scratch:
    """Memory for the numbers of a convolution's steps, float32."""

    def __init__(self) -> None:
        self._kept: dict[str, torch.Tensor] = {}

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """The memory of this name, with whatever stands in it."""
        size = math.prod(shape)
        if name not in self._kept or self._kept[name].numel() < size:
            with torch.inference_mode(False):  # whoever asks first, others may write into it
                self._kept[name] = torch.empty(size)
        return self._kept[name][:size].view(shape)


_free: list[_Scratch] = []
"""What no convolution is at work with. It is kept: to have the system give 75 MB of zeros for every image would take
a third of the transformation's time. Not by each thread: a serving program has many, of which few convolve at once."""


@contextmanager
def _borrowed() -> Iterator[_Scratch]:
    try:
        scratch = _free.pop()
    except IndexError:
        scratch = _Scratch()
    try:
        yield scratch
    finally:
        _free.append(scratch)

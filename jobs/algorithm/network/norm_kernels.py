"""BatchNorm, the addition of a shortcut and ReLU as Triton kernels, forward and backward.

A tensor (N, C, H, W) that is channels last in memory is here a matrix of N·H·W rows and C channels, one row
after the other. `Kernels` (`fused_norm.py`) says what each function computes. All arithmetic is float32,
whatever the type of the values.

A kernel's programs each take tiles of _TILE values. Sums over all rows are taken in two steps, without atomic
additions, so that the same input gives the same bits: every program sums one part of the rows, and then
the parts are summed. Importing this module needs Triton, which PyTorch's wheels for CUDA bring along on Linux.
"""

from __future__ import annotations

import torch
import triton

from jobs.algorithm.network import norm_programs as programs
from jobs.algorithm.network.fused_norm import Normalisation

_TILE = 4096
"""Values: with 16 a thread, two loads of 16 bytes where they are bfloat16."""
_WARPS = 8
_WIDEST = 64
"""Channels of a tile at most: in bfloat16 a line of 128 bytes in memory."""
_PROGRAMS = 512
"""Programs among which sums over rows are divided: about four for each of an H100's 132 multiprocessors."""
_MOST_PARTS = 256
"""Parts of the rows at most, for one program then merges all of a channel's at once."""
_MERGED = 16
"""Channels whose parts one program merges."""


def block_width(channels: int) -> int:
    """Channels of a tile. Each width is compiled for itself."""
    return min(1 << (channels - 1).bit_length(), _WIDEST)


def measure(
    features: torch.Tensor, running_mean: torch.Tensor, running_var: torch.Tensor, momentum: float, epsilon: float
) -> torch.Tensor:
    grid, sizes, tile, found = _by_parts(features)
    programs.measure_part[grid](features, found, *sizes, **tile)
    statistics = features.new_empty((2, features.shape[1]), dtype=torch.float32)
    given = (found, statistics, running_mean, running_var, *sizes, momentum, epsilon)
    grid = (triton.cdiv(features.shape[1], _MERGED),)
    programs.merge_parts[grid](*given, most_parts=_MOST_PARTS, block_width=_MERGED)
    return statistics


def apply(features: torch.Tensor, shortcut: torch.Tensor | None, norm: Normalisation, relu: bool) -> torch.Tensor:
    result = torch.empty_like(features)
    grid, sizes, tile = _elementwise(features)
    # a pointer is always given: without `add` no shortcut is read
    given = (features, features if shortcut is None else shortcut, result, *norm, *sizes)
    programs.apply_norm[grid](*given, **tile, add=shortcut is not None, relu=relu)
    return result


def sums(
    gradient: torch.Tensor, features: torch.Tensor, result: torch.Tensor | None, norm: Normalisation, relu: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    grid, sizes, tile, found = _by_parts(features)
    passed = gradient if result is None else torch.empty_like(gradient)
    given = (gradient, features, features if result is None else result, passed, *norm, found, *sizes)
    programs.sum_part[grid](*given, **tile, add=result is not None, relu=relu)
    return found.sum(0), passed


def differentiate(
    gradient: torch.Tensor, features: torch.Tensor, totals: torch.Tensor, norm: Normalisation, relu: bool
) -> torch.Tensor:
    result = torch.empty_like(features)
    grid, sizes, tile = _elementwise(features)
    programs.differentiate_norm[grid](gradient, features, result, totals, *norm, *sizes, **tile, relu=relu)
    return result


def _elementwise(features: torch.Tensor) -> tuple[tuple[int], tuple[int, int], dict[str, int]]:
    """Grid, sizes and tile of a kernel whose programs take one tile each."""
    rows, channels, tile = _matrix(features)
    grid = (triton.cdiv(rows, tile["block_rows"]) * triton.cdiv(channels, tile["block_width"]),)
    return grid, (rows, channels), tile


def _by_parts(features: torch.Tensor) -> tuple[tuple[int], tuple[int, int, int], dict[str, int], torch.Tensor]:
    """Grid, sizes and tile of a kernel whose programs take a part of the rows each, and room for two numbers
    per part and channel. Every part but the last has as many rows, in whole tiles."""
    rows, channels, tile = _matrix(features)
    across, block_rows = triton.cdiv(channels, tile["block_width"]), tile["block_rows"]
    wanted = min(max(_PROGRAMS // across, 1), _MOST_PARTS)
    rows_of_part = triton.cdiv(triton.cdiv(rows, wanted), block_rows) * block_rows
    parts = triton.cdiv(rows, rows_of_part)
    found = features.new_empty((parts, 2, channels), dtype=torch.float32)
    return (parts * across,), (rows, channels, rows_of_part), tile, found


def _matrix(features: torch.Tensor) -> tuple[int, int, dict[str, int]]:
    """Rows, channels, and how a kernel is compiled for them."""
    channels = features.shape[1]
    width = block_width(channels)
    tile = {"block_rows": _TILE // width, "block_width": width, "num_warps": _WARPS}
    return features.numel() // channels, channels, tile

"""BatchNorm, the addition of a shortcut and ReLU as programs in Triton's language.

A tensor is here a matrix of rows and channels, one row after the other; a program takes tiles of
`block_rows` × `block_width` of it. All arithmetic is float32, whatever the type of the values.
`norm_kernels.py` starts the programs and says what goes in and out.
"""

# Triton is not there where types are checked
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

# Rows are of any number, and statistics may lie anywhere: what the compiler could learn of them from one call
# (divisible by 16, equal to 1) would make it compile again for another.
_program = triton.jit(do_not_specialize=["rows", "rows_of_part", "running_mean", "running_var"])


@triton.jit
def _own_place(channels: tl.tensor, block_width: tl.constexpr) -> tl.tensor:
    """The number of this program's block of rows, and its channels. Neighbours take neighbouring channels
    of the same rows, which lie together in memory."""
    blocks = tl.cdiv(channels, block_width)
    program = tl.program_id(0)
    return (program // blocks).to(tl.int64), (program % blocks) * block_width + tl.arange(0, block_width)


@_program
def measure_part(
    features: tl.tensor,
    parts: tl.tensor,
    rows: tl.tensor,
    channels: tl.tensor,
    rows_of_part: tl.tensor,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    """Mean and sum of squared distances from it, of one part of the rows.

    Each place of the tile follows its own by Welford's formula, which subtracts no large sums from each other;
    at the end they are merged by Chan's.
    """
    part, channel = _own_place(channels, block_width)
    first_of_part = part * rows_of_part
    end = tl.minimum(first_of_part + rows_of_part, rows)
    row = tl.arange(0, block_rows)
    mean = tl.zeros((block_rows, block_width), tl.float32)
    squares = tl.zeros((block_rows, block_width), tl.float32)
    inside = row[:, None] * channels + channel[None, :]
    tiles = tl.cdiv(end - first_of_part, block_rows).to(tl.int32)
    for tile in range(tiles):
        first = first_of_part + tile * block_rows
        known = (first + row < end)[:, None] & (channel < channels)[None, :]
        values = tl.load(features + first * channels + inside, known, other=0).to(tl.float32)
        away = tl.where(known, values - mean, 0.0)
        mean += away * (1.0 / (tile + 1))
        squares += away * (values - mean)
    counts = tl.maximum(tl.cdiv(end - first_of_part - row, block_rows), 0).to(tl.float32)[:, None]
    total = tl.sum(mean * counts, 0) / (end - first_of_part).to(tl.float32)
    away = mean - total[None, :]
    place = parts + part * 2 * channels + channel
    tl.store(place, total, channel < channels)
    tl.store(place + channels, tl.sum(squares + counts * away * away, 0), channel < channels)


@_program
def merge_parts(
    parts: tl.tensor,
    statistics: tl.tensor,
    running_mean: tl.tensor,
    running_var: tl.tensor,
    rows: tl.tensor,
    channels: tl.tensor,
    rows_of_part: tl.tensor,
    momentum: tl.tensor,
    epsilon: tl.tensor,
    most_parts: tl.constexpr,
    block_width: tl.constexpr,
) -> None:
    channel = tl.program_id(0) * block_width + tl.arange(0, block_width)
    part = tl.arange(0, most_parts)
    counts = tl.maximum(rows - part * rows_of_part.to(tl.int64), 0)
    counts = tl.minimum(counts, rows_of_part).to(tl.float32)[:, None]
    known = (counts > 0) & (channel < channels)[None, :]
    place = parts + part[:, None] * 2 * channels + channel[None, :]
    means = tl.load(place, known, other=0.0)
    squares = tl.load(place + channels, known, other=0.0)
    number = rows.to(tl.float32)
    mean = tl.sum(means * counts, 0) / number
    away = means - mean[None, :]
    total = tl.sum(squares + counts * away * away, 0)
    own = channel < channels
    tl.store(statistics + channel, mean, own)
    tl.store(statistics + channels + channel, 1.0 / tl.sqrt(total / number + epsilon), own)
    earlier = tl.load(running_mean + channel, own)
    tl.store(running_mean + channel, earlier + momentum * (mean - earlier), own)
    earlier = tl.load(running_var + channel, own)
    tl.store(running_var + channel, earlier + momentum * (total / tl.maximum(number - 1.0, 1.0) - earlier), own)


@triton.jit
def _standardised(
    features: tl.tensor,
    inside: tl.tensor,
    known: tl.tensor,
    statistics: tl.tensor,
    channels: tl.tensor,
    channel: tl.tensor,
) -> tl.tensor:
    """Features without mean and deviation, float32, and the inverse of the deviation."""
    own = channel < channels
    mean = tl.load(statistics + channel, own, other=0.0)
    inverse = tl.load(statistics + channels + channel, own, other=0.0)
    values = tl.load(features + inside, known, other=0).to(tl.float32)
    return (values - mean[None, :]) * inverse[None, :], inverse


@_program
def apply_norm(
    features: tl.tensor,
    shortcut: tl.tensor,
    result: tl.tensor,
    statistics: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    rows: tl.tensor,
    channels: tl.tensor,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
    add: tl.constexpr,
    relu: tl.constexpr,
) -> None:
    block, channel = _own_place(channels, block_width)
    first, row = block * block_rows, tl.arange(0, block_rows)
    own = channel < channels
    known = (first + row < rows)[:, None] & own[None, :]
    start, inside = first * channels, row[:, None] * channels + channel[None, :]
    values, _ = _standardised(features + start, inside, known, statistics, channels, channel)
    scale, shift = tl.load(weight + channel, own, other=0.0), tl.load(bias + channel, own, other=0.0)
    values = values * scale[None, :] + shift[None, :]
    if add:
        values += tl.load(shortcut + start + inside, known, other=0).to(tl.float32)
    if relu:
        values = tl.where(values < 0.0, 0.0, values)  # what is not a number stays so, as in torch
    tl.store(result + start + inside, values.to(result.dtype.element_ty), known)


@_program
def sum_part(
    gradient: tl.tensor,
    features: tl.tensor,
    result: tl.tensor,
    passed: tl.tensor,
    statistics: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    parts: tl.tensor,
    rows: tl.tensor,
    channels: tl.tensor,
    rows_of_part: tl.tensor,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
    add: tl.constexpr,
    relu: tl.constexpr,
) -> None:
    part, channel = _own_place(channels, block_width)
    first_of_part = part * rows_of_part
    end = tl.minimum(first_of_part + rows_of_part, rows)
    own, row = channel < channels, tl.arange(0, block_rows)
    inside = row[:, None] * channels + channel[None, :]
    scale, shift = tl.load(weight + channel, own, other=0.0), tl.load(bias + channel, own, other=0.0)
    plain = tl.zeros((block_rows, block_width), tl.float32)
    weighted = tl.zeros((block_rows, block_width), tl.float32)
    tiles = tl.cdiv(end - first_of_part, block_rows).to(tl.int32)
    for tile in range(tiles):
        first = first_of_part + tile * block_rows
        known = (first + row < end)[:, None] & own[None, :]
        start = first * channels
        slope = tl.load(gradient + start + inside, known, other=0).to(tl.float32)
        values, _ = _standardised(features + start, inside, known, statistics, channels, channel)
        if add:
            # the result tells the sign of what ReLU was given, and the convolution after it keeps it anyway
            slope = tl.where(tl.load(result + start + inside, known, other=0).to(tl.float32) <= 0.0, 0.0, slope)
            tl.store(passed + start + inside, slope.to(passed.dtype.element_ty), known)
        elif relu:
            slope = tl.where(values * scale[None, :] + shift[None, :] <= 0.0, 0.0, slope)
        plain += slope
        weighted += slope * values
    place = parts + part * 2 * channels + channel
    tl.store(place, tl.sum(plain, 0), own)
    tl.store(place + channels, tl.sum(weighted, 0), own)


@_program
def differentiate_norm(
    gradient: tl.tensor,
    features: tl.tensor,
    result: tl.tensor,
    totals: tl.tensor,
    statistics: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    rows: tl.tensor,
    channels: tl.tensor,
    block_rows: tl.constexpr,
    block_width: tl.constexpr,
    relu: tl.constexpr,
) -> None:
    block, channel = _own_place(channels, block_width)
    first, row = block * block_rows, tl.arange(0, block_rows)
    own = channel < channels
    known = (first + row < rows)[:, None] & own[None, :]
    start, inside = first * channels, row[:, None] * channels + channel[None, :]
    values, inverse = _standardised(features + start, inside, known, statistics, channels, channel)
    slope = tl.load(gradient + start + inside, known, other=0).to(tl.float32)
    scale = tl.load(weight + channel, own, other=0.0)
    if relu:
        shift = tl.load(bias + channel, own, other=0.0)
        slope = tl.where(values * scale[None, :] + shift[None, :] <= 0.0, 0.0, slope)
    share = 1.0 / rows.to(tl.float32)
    plain = tl.load(totals + channel, own, other=0.0) * share
    weighted = tl.load(totals + channels + channel, own, other=0.0) * share
    slope = (slope - plain[None, :] - values * weighted[None, :]) * (scale * inverse)[None, :]
    tl.store(result + start + inside, slope.to(result.dtype.element_ty), known)

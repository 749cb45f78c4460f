"""Batches of an epoch: their order, and their making ahead of the training step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from formats.images import Rgb
from formats.masks import Mask

MakeSample = Callable[[int], tuple[Rgb, Mask]]
AHEAD = 4
"""Batches that may wait: a GPU takes one in the time in which a thread makes a few samples."""


@dataclass(frozen=True)
class Batch:
    """Images (N, H, W, 3) and masks (N, H, W), both uint8."""

    images: torch.Tensor
    masks: torch.Tensor


def epoch_order(count: int, batch_size: int, epoch: int, seed: int) -> list[list[int]]:
    """The numbers 0..count-1 of an epoch's samples, shuffled and cut into full batches.

    What does not fill a batch opens the next epoch (`rollover`, as GluonCV's training does), so an
    epoch has count // batch_size batches or one more, and each sample is seen once per pass. With
    fewer samples than a batch holds, all of them are the one batch.
    """
    size = min(batch_size, count)
    first, last = epoch * count // size * size, (epoch + 1) * count // size * size
    passes = {number: _shuffled(count, number, seed) for number in range(first // count, -(-last // count))}
    stream = [int(passes[place // count][place % count]) for place in range(first, last)]
    return [stream[i : i + size] for i in range(0, len(stream), size)]


def _shuffled(count: int, number: int, seed: int) -> np.typing.NDArray[np.int64]:
    return np.random.default_rng((seed, number)).permutation(count)


def in_order(count: int, batch_size: int) -> list[list[int]]:
    """The numbers 0..count-1 in batches; the last may be smaller."""
    return [list(range(i, min(i + batch_size, count))) for i in range(0, count, batch_size)]


def make_batches(
    order: Iterable[Sequence[int]], make: MakeSample, workers: int, ahead: int = AHEAD, *, pinned: bool = False
) -> Iterator[Batch]:
    """Batches in order, whose samples `workers` threads make while the caller trains.

    At most `ahead` batches wait. What `make` raises is raised here. `pinned` memory travels to a GPU
    while it computes.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[list[Future[tuple[Rgb, Mask]]]] = deque()
        try:
            for numbers in order:
                waiting.append([pool.submit(make, number) for number in numbers])
                if len(waiting) > ahead:
                    yield _joined(waiting.popleft(), pinned)
            while waiting:
                yield _joined(waiting.popleft(), pinned)
        finally:
            pool.shutdown(cancel_futures=True)


def _joined(samples: Sequence[Future[tuple[Rgb, Mask]]], pinned: bool) -> Batch:
    """In the caller's thread: it has little to do beside a GPU, and CUDA, of which pinned memory comes, is then
    asked for it by no other."""
    images, masks = zip(*(sample.result() for sample in samples), strict=True)
    return Batch(_stacked(images, pinned), _stacked(masks, pinned))


def _stacked(arrays: Sequence[npt.NDArray[np.uint8]], pinned: bool) -> torch.Tensor:
    """One tensor of arrays of one shape, each copied once, straight to its place."""
    stacked = torch.empty((len(arrays), *arrays[0].shape), dtype=torch.uint8, pin_memory=pinned)
    np.stack(arrays, out=stacked.numpy())
    return stacked

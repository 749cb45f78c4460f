"""Batches of an epoch: their order, and their making ahead of the training step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from formats.images import Rgb
from formats.masks import Mask

MakeSample = Callable[[int], tuple[Rgb, Mask]]


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
    order: Iterable[Sequence[int]], make: MakeSample, workers: int, ahead: int = 2, *, pinned: bool = False
) -> Iterator[Batch]:
    """Batches in order, which `workers` threads make while the caller trains.

    At most `ahead` batches wait. What `make` raises is raised here. `pinned` memory travels to a GPU
    while it computes.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for numbers in order:
                samples = [pool.submit(make, number) for number in numbers]
                # threads take work in order: when one waits for the samples, others are at them
                waiting.append(pool.submit(_collected, samples, pinned))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _collected(samples: Sequence[Future[tuple[Rgb, Mask]]], pinned: bool) -> Batch:
    images, masks = zip(*(sample.result() for sample in samples), strict=True)
    batch = Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)))
    return Batch(batch.images.pin_memory(), batch.masks.pin_memory()) if pinned else batch

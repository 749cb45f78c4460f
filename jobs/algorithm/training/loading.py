"""What a training loads: the batches of its epochs, and those that validate them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.data.augment import training_crop, validation_crop
from jobs.algorithm.data.batches import Batch, MakeSample, epoch_order, in_order, make_batches
from jobs.algorithm.data.samples import SampleStore
from jobs.algorithm.machine.device import Device
from jobs.algorithm.training.team import Team
from jobs.contract.hyperparameters import Hyperparameters

SEED = 0


@dataclass(frozen=True)
class Loader:
    """Makes the batches of one training, or a member's share of them."""

    settings: Hyperparameters
    device: Device
    team: Team

    def training_batches(self, store: SampleStore, epoch: int, taken: int) -> Iterator[Batch]:
        """Those of an epoch that are left after so many."""
        settings = self.settings
        strong = settings.algorithm == "unet" and settings.augmentation == "strong"

        def make(index: int) -> tuple[Rgb, Mask]:
            rng = np.random.default_rng((SEED, epoch, index))  # the same whichever thread is first
            return training_crop(*store.load(index), settings.base_size, settings.rounded_crop_size, rng, strong=strong)

        order = epoch_order(len(store), settings.mini_batch_size, epoch, SEED)[taken:]
        return self._batches([self.team.share(numbers) for numbers in order], make)

    def blank_batch(self, samples: int) -> Batch:
        """Black, of the size of every batch of a training with so many samples."""
        whole, side = min(self.settings.mini_batch_size, samples), self.settings.rounded_crop_size
        shape = (len(self.team.share(range(whole))), side, side)
        return Batch(torch.zeros((*shape, 3), dtype=torch.uint8), torch.zeros(shape, dtype=torch.uint8))

    def validation_batches(self, store: SampleStore) -> Iterator[Batch]:
        """Whole images one by one, or their middles in batches."""
        size = self.settings.validation_mini_batch_size

        def make(index: int) -> tuple[Rgb, Mask]:
            pair = store.load(index)
            return pair if size == 1 else validation_crop(*pair, self.settings.rounded_crop_size)

        return self._batches(self.team.share(in_order(len(store), size)), make)

    def _batches(self, order: Sequence[Sequence[int]], make: MakeSample) -> Iterator[Batch]:
        return make_batches(order, make, self.device.workers(self.team.size), pinned=self.device.is_gpu)

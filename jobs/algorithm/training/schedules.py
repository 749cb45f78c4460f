"""The learning rate at each training step, after GluonCV's `LRScheduler`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jobs.contract.hyperparameters import Hyperparameters

POLY_POWER = 0.9
"""GluonCV's segmentation training."""


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls, step by step, to what its curve ends in at the last step but one.

    `num_training_samples` counts the steps, not the files that are there. Both are as in the built-in:
    260 rates of two real logs (2020, 2025; poly) are met digit by digit.
    """

    hyperparameters: Hyperparameters

    @property
    def iterations_per_epoch(self) -> int:
        return max(self.hyperparameters.num_training_samples // self.hyperparameters.mini_batch_size, 1)

    def learning_rate(self, iteration: int) -> float:
        """The rate of a step, counted from 0 over all epochs; past the planned end it stays as there."""
        return self.hyperparameters.learning_rate * self._factor(iteration)

    def _factor(self, iteration: int) -> float:
        settings = self.hyperparameters
        last = self.iterations_per_epoch * settings.epochs - 1
        reached = min(iteration + 1, last)  # mxnet counts the update before it asks for its rate
        if settings.lr_scheduler == "step":
            fallen = sum(reached >= epoch * self.iterations_per_epoch for epoch in settings.lr_scheduler_step)
            return float(settings.lr_scheduler_factor**fallen)
        done = reached / last if last else 0.0
        if settings.lr_scheduler == "cosine":
            return (1 + math.cos(math.pi * done)) / 2
        return float((1 - done) ** POLY_POWER)

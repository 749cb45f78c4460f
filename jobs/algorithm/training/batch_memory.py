"""How large a batch may be on a GPU, found by trying where one was too large."""

from __future__ import annotations

import gc
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import TypeVar

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from formats.errors import SagesegError
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.training.captured_step import PLAIN_STEPS, Steps
from jobs.algorithm.training.optimizers import MxnetOptimizer, build_optimizer
from jobs.algorithm.training.steps import Step, take_step
from jobs.contract.hyperparameters import Hyperparameters

Result = TypeVar("Result")


def within_memory(work: Callable[[Batch], Result], batch: Batch, steps: Steps, settings: Hyperparameters) -> Result:
    """The result of work of these steps with a batch. Raises SagesegError with the largest batch that fits where
    there is too little memory for it in a training that has only begun; the weights are of no use then."""
    try:
        return work(batch)
    except torch.OutOfMemoryError:
        early = steps.taken < PLAIN_STEPS and steps.step.device.is_gpu
        # members that share BatchNorm would wait for each other in the search
        if not early or (settings.syncbn and steps.team.size > 1):
            raise
    # only here, for the error held all that the work had made
    network, optimizer = _to_try_with(steps, settings)
    largest = largest_fitting(
        len(batch.images), lambda count: step_fits(network, optimizer, steps.step, _first(batch, count))
    )
    raise SagesegError(_too_large(settings, steps.step.device, largest * steps.team.size))


def largest_fitting(too_many: int, fits: Callable[[int], bool]) -> int:
    """The largest number below `too_many` that fits, 0 where none does. All that are smaller than one that fits
    must fit."""
    fitting = 0
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if fits(middle):
            fitting = middle
        else:
            too_many = middle
    return fitting


def step_fits(network: nn.Module, optimizer: MxnetOptimizer, step: Step, batch: Batch) -> bool:
    """Whether there is memory for a step with this batch; takes it, and so changes the weights."""
    optimizer.zero_grad()
    gc.collect()
    torch.cuda.empty_cache()
    try:
        take_step(network, optimizer, batch, replace(step, parts=min(step.parts, len(batch.images))))
    except torch.OutOfMemoryError:
        return False
    return True


def _to_try_with(steps: Steps, settings: Hyperparameters) -> tuple[nn.Module, MxnetOptimizer]:
    """Of a team a copy, whose gradients the other members do not wait for: its weights and their state lie in
    memory twice, so that what fits beside them fits without."""
    if not isinstance(steps.network, DistributedDataParallel):
        return steps.network, steps.optimizer
    network = deepcopy(steps.network.module)
    return network, build_optimizer(network.parameters(), settings)


def _first(batch: Batch, count: int) -> Batch:
    return Batch(batch.images[:count], batch.masks[:count])


def _too_large(settings: Hyperparameters, device: Device, largest: int) -> str:
    batch, crop, room = settings.mini_batch_size, settings.crop_size, _room(device)
    if not largest:
        return f"one crop of crop_size {crop} does not fit into {room}; lower crop_size, or use a GPU with more memory"
    return (
        f"mini_batch_size {batch} at crop_size {crop} does not fit into {room}; {largest} does: "
        f"lower mini_batch_size to {largest}, lower crop_size, or use a GPU with more memory"
    )


def _room(device: Device) -> str:
    return f"the {torch.cuda.get_device_properties(device.place).total_memory / 2**30:.1f} GiB of this GPU"

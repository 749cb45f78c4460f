"""One training step: from a batch to changed weights."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from formats.classes import IGNORE
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.training.losses import PLAIN, Whole, training_loss
from jobs.algorithm.training.optimizers import MxnetOptimizer
from jobs.algorithm.training.team import ALONE, Team
from jobs.contract.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Step:
    """How steps are taken: where, for which loss, in how many parts."""

    device: Device
    loss: str = PLAIN
    parts: int = 1


def step_of(settings: Hyperparameters, device: Device, smallest_share: int) -> Step:
    """The step that the hyperparameters ask for; only unet has other losses and parts. There are no
    more parts than the team's smallest share of a batch has images: where BatchNorm is synchronised,
    all members must pass the network equally often."""
    if settings.algorithm != "unet":
        return Step(device)
    return Step(device, settings.loss, min(settings.gradient_accumulation, smallest_share))


def take_step(
    network: nn.Module, optimizer: MxnetOptimizer, batch: Batch, step: Step, team: Team = ALONE
) -> torch.Tensor:
    """Change the weights by one batch, or this member's share of it; returns the whole batch's loss.

    In several parts, gradients are those of the whole batch but for two things: BatchNorm takes its
    statistics from each part, and a Dice or Jaccard loss is the mean of the parts'.
    """
    optimizer.zero_grad()
    loss = add_gradients(network, batch, step, team)
    optimizer.step()
    return team.total(loss)


def add_gradients(network: nn.Module, batch: Batch, step: Step, team: Team = ALONE) -> torch.Tensor:
    """Give the weights the gradients of a batch, or of this member's share; returns this member's loss.

    Nothing in here waits for the GPU, or asks it for a value: so it can be captured as a graph.
    """
    images, masks = (tensor.to(step.device.place, non_blocking=True) for tensor in (batch.images, batch.masks))
    # full: a tensor made of a number here would be sent to the GPU, and the sending waited for
    sizes = torch.stack([(masks != IGNORE).sum(), torch.full((), len(images), device=masks.device)])
    whole = Whole(*team.total(sizes))
    loss = torch.zeros((), device=step.device.place)
    parts = list(zip(images.tensor_split(step.parts), masks.tensor_split(step.parts), strict=True))
    for number, (some, truth) in enumerate(parts, 1):
        with team.apart(network) if number < len(parts) else nullcontext():
            loss += _part(network, some, truth.long(), whole, step, team)
    return loss


def _part(
    network: nn.Module, images: torch.Tensor, truth: torch.Tensor, whole: Whole, step: Step, team: Team
) -> torch.Tensor:
    with step.device.autocast():
        scores, auxiliary = network(normalise(images))
    loss = training_loss(scores, auxiliary, truth, step.loss, whole)
    (loss * team.size).backward()  # type: ignore[no-untyped-call]  # the team takes the mean of its members' gradients
    return loss.detach()

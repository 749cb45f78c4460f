"""Several processes that train one network together, one for each GPU of the machine.

Each takes its share of every batch: `mini_batch_size` is the whole batch, as in GluonCV's training,
and so in the built-in (inferred). Gradients are those of the whole batch on one device; BatchNorm
sees one process's share, or with `syncbn` the whole batch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from jobs.algorithm.machine.device import Device
from jobs.algorithm.training.members import MEETING, SIZE, own_rank
from jobs.contract.hyperparameters import Hyperparameters

T = TypeVar("T")


@dataclass(frozen=True)
class Team:
    """A member's view of its team; by default it is alone. All members call the same methods in the
    same order."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this member is the one that writes files."""
        return self.rank == 0

    def share(self, whole: Sequence[T]) -> Sequence[T]:
        return whole[self.rank :: self.size]

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of all members' values, in the place of this member's."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def any(self, said: bool, device: Device) -> bool:
        """Whether any member says so."""
        return said if self.size == 1 else bool(self.total(torch.full((), int(said), device=device.place)))

    @torch.no_grad()
    def average_statistics(self, network: nn.Module) -> None:
        """Give every member the mean of the members' BatchNorm statistics, as MXNet does where it
        saves a network from several GPUs."""
        if self.size > 1:
            for statistics in (buffer for buffer in network.buffers() if buffer.is_floating_point()):
                self.total(statistics).div_(self.size)

    def joined(self, network: nn.Module, device: Device) -> nn.Module:
        """The network whose gradients become the mean over the members as they are computed."""
        if self.size == 1:
            return network
        devices = [device.place] if device.is_gpu else None
        with warnings.catch_warnings():  # torch 2.13 renames broadcast_buffers; earlier ones know only this name
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            return DistributedDataParallel(network, devices, broadcast_buffers=False)

    def apart(self, network: nn.Module) -> AbstractContextManager[None]:
        """In this context gradients add up in each member alone."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()


ALONE = Team()


def share_statistics(network: nn.Module, settings: Hyperparameters, team: Team) -> nn.Module:
    """The network with BatchNorm over all members, where `syncbn` asks for it."""
    if team.size == 1 or not settings.syncbn:
        return network
    synchronised: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return synchronised


def team_size(settings: Hyperparameters) -> int:
    """How many processes a training takes: one for each GPU, never more than a batch has images."""
    gpus = torch.cuda.device_count()
    return max(min(gpus, settings.mini_batch_size, settings.num_training_samples), 1)


@contextmanager
def membership() -> Iterator[Team]:
    """The team that the environment says this process belongs to, for as long as the block lasts.

    A block that fails leaves it as it is: to leave a team in good order means to wait for its members,
    and they wait for this one.
    """
    rank = own_rank()
    if rank is None:
        yield Team()
        return
    team = Team(rank, int(os.environ[SIZE]))
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(team.rank)
    distributed.init_process_group(
        "nccl" if gpu else "gloo", f"file://{os.environ[MEETING]}", rank=team.rank, world_size=team.size
    )
    yield team
    distributed.destroy_process_group()

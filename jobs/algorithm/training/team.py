"""Several processes that train one network together, one for each GPU of the machine.

Each takes its share of every batch: `mini_batch_size` is the whole batch, as in GluonCV's training,
and so in the built-in (inferred). Gradients are those of the whole batch on one device; BatchNorm
sees one process's share, or with `syncbn` the whole batch.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from formats.errors import SagesegError
from jobs.algorithm.machine.device import Device
from jobs.contract.hyperparameters import Hyperparameters

_POLL_SECONDS = 0.1


RANK, SIZE, MEETING = "SAGESEG_RANK", "SAGESEG_TEAM_SIZE", "SAGESEG_TEAM_FILE"
"""A member's number, how many there are, and the file by which they find each other."""
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


def is_member() -> bool:
    """Whether the environment says that this process belongs to a team."""
    return RANK in os.environ


def end_member(code: int) -> NoReturn:
    """End this process without the interpreter's own end: a thread of gloo that lets go of its last
    tensor meanwhile aborts the process, in one of six members that had nothing left to do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def membership() -> Iterator[Team]:
    """The team that the environment says this process belongs to, for as long as the block lasts.

    A block that fails leaves it as it is: to leave a team in good order means to wait for its members,
    and they wait for this one.
    """
    if not is_member():
        yield Team()
        return
    team = Team(int(os.environ[RANK]), int(os.environ[SIZE]))
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(team.rank)
    distributed.init_process_group(
        "nccl" if gpu else "gloo", f"file://{os.environ[MEETING]}", rank=team.rank, world_size=team.size
    )
    yield team
    distributed.destroy_process_group()


def run_members(arguments: Sequence[str], size: int, stop: threading.Event, failure: Path) -> bool:
    """Run `python -m jobs.algorithm ARGUMENTS` as a team; True when all members end well.

    `stop` is passed on as SIGTERM. When one member fails, the others are ended, for they would wait
    for it for ever. Raises SagesegError when it left no reason at `failure`.
    """
    with tempfile.TemporaryDirectory() as folder:
        members = [_start(arguments, rank, size, Path(folder) / "meeting") for rank in range(size)]
        try:
            failed = _see_out(members, stop)
        finally:
            for member in members:
                member.kill()
                member.wait()
    if failed is not None and not failure.exists():
        code = members[failed].returncode
        raise SagesegError(f"the process of GPU {failed} ended with exit code {code}; its memory may not suffice")
    return failed is None


def _start(arguments: Sequence[str], rank: int, size: int, meeting: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, RANK: str(rank), SIZE: str(size), MEETING: str(meeting)}
    # a member inherits that SIGTERM is held back, and takes it once it listens: until then it would die of it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        return subprocess.Popen([sys.executable, "-m", "jobs.algorithm", *arguments], env=environment)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _see_out(members: Sequence[subprocess.Popen[bytes]], stop: threading.Event) -> int | None:
    """Wait for all members; the number of the first that failed."""
    asked = False
    while True:
        codes = [member.poll() for member in members]
        if any(codes):
            return next(rank for rank, code in enumerate(codes) if code)
        if None not in codes:
            return None
        if stop.is_set() and not asked:
            asked = True
            for member in members:
                member.terminate()
        time.sleep(_POLL_SECONDS)

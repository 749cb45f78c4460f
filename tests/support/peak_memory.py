"""What a training step of unet holds in memory at once, counted as torch makes and frees it."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from jobs.algorithm.data.batches import Batch
from jobs.algorithm.machine.device import Device
from jobs.algorithm.network.build import build_network
from jobs.algorithm.training.optimizers import build_optimizer
from jobs.algorithm.training.steps import Step, take_step
from jobs.contract.hyperparameters import parse_hyperparameters


class _Peak(TorchDispatchMode):
    """Counts the bytes of all that is made while it is on, and their highest sum."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(self, operation: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        made = operation(*given, **(named or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        self.peak = max(self.peak, sum(self.alive.values()))
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place not in self.alive:
            self.alive[place] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, place)


def peak_bytes_of_a_step(classes: int, loss: str, side: int, batch: int) -> int:
    """Of `batch` crops of `side` pixels; the network itself is not counted."""
    given = {"num_classes": str(classes), "num_training_samples": "9", "algorithm": "unet", "loss": loss}
    settings = parse_hyperparameters(given, "open")
    network = build_network(settings).train()
    optimizer = build_optimizer(network.parameters(), settings)
    with _Peak() as counted:
        images = torch.zeros(batch, side, side, 3, dtype=torch.uint8)
        masks = torch.zeros(batch, side, side, dtype=torch.uint8)
        take_step(network, optimizer, Batch(images, masks), Step(Device(torch.device("cpu")), loss))
    return int(counted.peak)

"""A training's state on disk, from which it goes on as if it had never stopped.

One file in MXNet's format, so that nothing in it can be executed: weights, the optimizer's state,
the best parameters so far, and as JSON how far the training is. Random numbers need no state: crops
and dropout are drawn by the number of the epoch and of the step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import nn

from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.texts.typed_json import check_type
from jobs.algorithm.training.optimizers import MxnetOptimizer
from jobs.algorithm.weights.load import load_parameters, to_parameters
from jobs.contract.mxnet_params import Array, decode_params, encode_params

NAME = "checkpoint.params"
_WEIGHT, _OPTIMIZER = "weight.", "optimizer."
_STATE, _BEST = "state", "best"


@dataclass
class Progress:
    """How far a training is: the epoch under way, the steps of all epochs, the losses of this
    epoch's steps so far, and the validation mIOU of each epoch that is over."""

    epoch: int = 0
    iteration: int = 0
    losses: list[torch.Tensor] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read; `settings` are the hyperparameters it belongs to, as strings."""

    path: Path
    settings: dict[str, str]
    progress: Progress
    steps: int
    arrays: dict[str, Array]

    @property
    def best(self) -> bytes | None:
        """The content of the best parameters' file, once an epoch is over."""
        return self.arrays[_BEST].tobytes() if _BEST in self.arrays else None


def write_checkpoint(
    folder: Path,
    settings: dict[str, str],
    progress: Progress,
    network: nn.Module,
    optimizer: MxnetOptimizer,
    best: Path,
) -> None:
    """Write the state into `folder`, whole or not at all; `best` is the best parameters' file."""
    state = {
        "settings": settings,
        "epoch": progress.epoch,
        "iteration": progress.iteration,
        "losses": [float(loss) for loss in progress.losses],
        "scores": progress.scores,
        "steps": optimizer.param_groups[0].get("steps", 0),
    }
    arrays: dict[str, Array] = {_STATE: np.frombuffer(json.dumps(state).encode(), np.uint8)}
    arrays |= {_WEIGHT + name: array for name, array in to_parameters(network).items()}
    arrays |= {_OPTIMIZER + name: tensor.cpu().numpy() for name, tensor in _optimizer_tensors(optimizer).items()}
    if best.is_file():
        arrays[_BEST] = np.frombuffer(best.read_bytes(), np.uint8)
    write_bytes(folder / NAME, encode_params(arrays), durable=True)


class _State(TypedDict):
    settings: dict[str, str]
    epoch: int
    iteration: int
    losses: list[Any]
    scores: list[Any]
    steps: int


def read_checkpoint(folder: Path, settings: dict[str, str]) -> Checkpoint | None:
    """The state in `folder`, None where there is none.

    Raises SagesegError for a broken file, and for one of a training with other hyperparameters.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    arrays = decode_params(path.read_bytes(), str(path))
    try:
        state = json.loads(arrays[_STATE].tobytes())  # losses may be nan, which no JSON has
        check_type(state, _State)
        losses, scores = (list(map(float, state[name])) for name in ("losses", "scores"))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as e:
        raise SagesegError(f"{path}: no checkpoint ({e}); empty the folder to start afresh") from e
    progress = Progress(state["epoch"], state["iteration"], [torch.tensor(loss) for loss in losses], scores)
    found = Checkpoint(path, state["settings"], progress, state["steps"], arrays)
    _check_settings(found, settings)
    return found


def _check_settings(found: Checkpoint, settings: dict[str, str]) -> None:
    for name in sorted(found.settings.keys() | settings.keys()):
        before, now = found.settings.get(name, "its default"), settings.get(name, "its default")
        if before != now:
            raise SagesegError(
                f"{found.path}: of a training with {name} {before}, and this one has {now}; "
                "give each training its own checkpoints, or repeat the settings"
            )


@torch.no_grad()
def restore(checkpoint: Checkpoint, network: nn.Module, optimizer: MxnetOptimizer) -> None:
    """Put network and optimizer as they were."""
    source = str(checkpoint.path)
    load_parameters(network, _under(checkpoint.arrays, _WEIGHT), source)
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for name, array in _under(checkpoint.arrays, _OPTIMIZER).items():
        number, _, kind = name.partition(".")
        if kind not in optimizer.states or not number.isdecimal() or int(number) >= len(weights):
            raise SagesegError(f"{source}: optimizer state {name} is not known; empty the folder to start afresh")
        weight = weights[int(number)]
        if array.shape != tuple(weight.shape):
            raise SagesegError(f"{source}: optimizer state {name} has shape {array.shape}; empty the folder")
        optimizer.state[weight][kind] = torch.empty_like(weight).copy_(torch.from_numpy(array.copy()))
    optimizer.param_groups[0]["steps"] = checkpoint.steps


def _under(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _optimizer_tensors(optimizer: MxnetOptimizer) -> dict[str, torch.Tensor]:
    """By the weight's number and the state's name: `12.momentum`."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    return {f"{i}.{kind}": t for i, w in enumerate(weights) for kind, t in optimizer.state.get(w, {}).items()}

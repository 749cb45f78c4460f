"""A network's weights under MXNet's names, out of torch and back into it.

MXNet calls a BatchNorm's scale and shift gamma and beta; all other names are the same, and torch's
count of batches has no counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.params import Array

_BATCH_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}


def named_weights(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every parameter and statistic of a network by MXNet's name, as the live tensors."""
    for path, module in network.named_modules():
        is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if name != "num_batches_tracked":
                yield f"{path}.{_BATCH_NORM[name] if is_norm else name}", tensor


def to_parameters(network: nn.Module) -> dict[str, Array]:
    """A copy of a network's weights as `.params` holds them."""
    return {name: tensor.detach().cpu().contiguous().numpy().copy() for name, tensor in named_weights(network)}


@torch.no_grad()
def load_parameters(network: nn.Module, parameters: Mapping[str, Array], source: str) -> None:
    """Copy parameters into a network.

    Raises SagesegError that names the parameter when one is missing, left over, or has another
    shape (another number of classes, another network).
    """
    weights = dict(named_weights(network))
    missing, unknown = weights.keys() - parameters.keys(), parameters.keys() - weights.keys()
    if missing or unknown:
        first = min(missing or unknown)
        problem = "is missing" if missing else "is not known"
        raise SagesegError(f"{source}: parameter {first} {problem}; expected the weights of this very network")
    for name, tensor in weights.items():
        array = parameters[name]
        if tuple(tensor.shape) != array.shape:
            raise SagesegError(
                f"{source}: parameter {name} has shape {array.shape}, expected {tuple(tensor.shape)}; "
                "num_classes and the network must be those of the training"
            )
        tensor.copy_(torch.from_numpy(array))

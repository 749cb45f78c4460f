"""A network's weights under MXNet's names, out of torch and back into it.

MXNet calls a BatchNorm's scale and shift gamma and beta; all other names are the same, and torch's
count of batches has no counterpart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.weights.parameter_names import network_names
from jobs.contract.mxnet_params import Array

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
    """Copy parameters into a network, under any of the names that mxnet saves them by.

    Raises SagesegError that names the parameter when one is missing, left over, or has another
    shape (another number of classes, another network) or dtype; the network is then as it was.
    """
    weights = dict(named_weights(network))
    by_name = _by_own_name(parameters, weights, source)
    for name, tensor in weights.items():
        _check(by_name[name], tensor, f"{source}: parameter {name}")
    for name, tensor in weights.items():
        tensor.copy_(torch.from_numpy(by_name[name]))


def _by_own_name(parameters: Mapping[str, Array], own: Collection[str], source: str) -> dict[str, Array]:
    """The parameters by the network's names, each of which there is exactly one of."""
    by_name: dict[str, Array] = {}
    for found, name in network_names(parameters, own).items():
        if name not in own:
            raise SagesegError(f"{source}: parameter {found} is not known; expected the weights of this very network")
        if name in by_name:
            raise SagesegError(f"{source}: parameter {found} stands twice, as {name} too; replace the file")
        by_name[name] = parameters[found]
    missing = [name for name in own if name not in by_name]
    if missing:
        raise SagesegError(f"{source}: parameter {missing[0]} is missing; expected the weights of this very network")
    return by_name


def _check(array: Array, tensor: torch.Tensor, what: str) -> None:
    if tuple(tensor.shape) != array.shape:
        raise SagesegError(
            f"{what} has shape {array.shape}, expected {tuple(tensor.shape)}; "
            "num_classes and the network must be those of the training"
        )
    if array.dtype.kind != "f":
        raise SagesegError(f"{what} has dtype {array.dtype}; expected floating point numbers")

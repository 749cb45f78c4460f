"""The layers of a network in words: what each gives for an image, and how many parameters it holds.

stem                                                  128 × 60 × 80      112,640
  conv1.0  convolution 3 × 3, stride 2               64 × 120 × 160        1,728
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from jobs.algorithm.network.unet import UNet

Shape = tuple[int, int, int]
"""Channels, height, width."""
_HEADINGS = ("layer", "output (channels × height × width)", "parameters")


@dataclass(frozen=True)
class Layer:
    """A layer, or with depth 0 a part of the network. `output` is None where no image passes it: the auxiliary head
    takes part in training alone."""

    name: str
    depth: int
    output: Shape | None
    parameters: int


def network_parts(network: nn.Module) -> dict[str, tuple[str, ...]]:
    """By name the parts of a network, as the paths of the modules in which its parameters lie and, last, of the one
    that gives its output; in the order in which an image passes them."""
    if isinstance(network, UNet):
        down = {f"down {number}": (f"down.{number - 1}",) for number in range(1, len(network.down) + 1)}
        up = {f"up {number}": (f"up.{number - 1}",) for number in range(1, len(network.up) + 1)}
        return {"stem": ("stem",), **down, **up, "head": ("head",)}
    stages = {f"stage {number}": (f"layer{number}",) for number in range(1, 5)}
    return {"stem": ("conv1", "bn1", "maxpool"), **stages, "head": ("head",), "auxiliary head": ("auxlayer",)}


@contextmanager
def recorded_layers(network: nn.Module) -> Iterator[Callable[[], list[Layer]]]:
    """What an image that passes the network in this context tells of its layers."""
    shapes: dict[nn.Module, Shape] = {}

    def record(module: nn.Module, _inputs: Any, output: Any) -> None:
        shapes[module] = tuple(output.shape[1:])

    parts = {
        name: [found for path in paths for found in network.get_submodule(path).named_modules(prefix=path)]
        for name, paths in network_parts(network).items()
    }
    shown = [network.get_submodule(paths[-1]) for paths in network_parts(network).values()]
    leaves = [module for found in parts.values() for _, module in found if _own_parameters(module)]
    hooks = [module.register_forward_hook(record) for module in dict.fromkeys([*shown, *leaves])]

    def layers() -> list[Layer]:
        told = []
        for (name, found), last in zip(parts.items(), shown, strict=True):
            own = [(path, module) for path, module in found if _own_parameters(module)]
            told.append(Layer(name, 0, shapes.get(last), sum(_own_parameters(module) for _, module in own)))
            told += [Layer(f"{p}  {_kind(m)}", 1, shapes.get(m), _own_parameters(m)) for p, m in own]
        return told

    try:
        yield layers
    finally:
        for hook in hooks:
            hook.remove()


def format_layers(layers: Sequence[Layer]) -> list[str]:
    """Lines of a table, the last of which is the sum."""
    total = sum(layer.parameters for layer in layers if layer.depth == 0)
    rows = [_HEADINGS, *(_row(layer) for layer in layers), ("all", "", f"{total:,}")]
    first, second, third = (max(len(row[column]) for row in rows) for column in range(3))
    return [f"{name:{first}}  {output:>{second}}  {count:>{third}}" for name, output, count in rows]


def _row(layer: Layer) -> tuple[str, str, str]:
    output = " × ".join(map(str, layer.output)) if layer.output else "in training only"
    return "  " * layer.depth + layer.name, output, f"{layer.parameters:,}"


def _own_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters(recurse=False))


def _kind(module: nn.Module) -> str:
    """Such as `convolution 3 × 3, stride 2`."""
    if not isinstance(module, nn.Conv2d):
        return "BatchNorm" if isinstance(module, nn.modules.batchnorm._BatchNorm) else type(module).__name__
    (height, width), stride, dilation = module.kernel_size, module.stride[0], module.dilation[0]
    step = f", stride {stride}" if stride > 1 else ""
    return f"convolution {height} × {width}{step}" + (f", dilation {dilation}" if dilation > 1 else "")

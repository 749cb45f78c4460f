"""Run the kernels of fused BatchNorms by Triton's interpreter, on a processor, against float64's plain form.

    make oracles

runs this in an environment of its own, which holds what `oracles/triton_requirements.txt` names. Compared are
results, gradients and running statistics of single layers, and a step of whole networks. Fails where they
are further apart than rounding brings them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.algorithm.network import norm_kernels, resnet  # noqa: E402
from jobs.algorithm.network.batch_norm import normalised, without_counts  # noqa: E402
from jobs.algorithm.network.build import SegmentationNetwork  # noqa: E402
from jobs.algorithm.network.fused_norm import FusedBatchNorm2d  # noqa: E402
from jobs.algorithm.network.fusing import FORMS, fuse  # noqa: E402
from jobs.algorithm.network.unet import UNet  # noqa: E402

SHAPES = ((1, 16, 1, 1), (2, 21, 1, 1), (1, 64, 1, 7), (3, 64, 9, 31), (1, 96, 20, 25), (2, 1, 9, 9), (1, 2048, 5, 5))
"""Rows from 1 to 837, in one tile and in several parts; channels of less than a tile, of one and of many."""
LARGE = (2, 16, 190, 190)
"""More rows than the 256 parts have in one tile each."""
TYPES = {torch.float32: 1e-5, torch.bfloat16: 8e-3, torch.float16: 1e-3}
"""How far values may be apart, as a share of their norm. The interpreter cuts bfloat16's last digit off, where a GPU
rounds it."""


def main() -> None:
    torch.manual_seed(0)
    cases = [(*case, 3.0) for case in product(SHAPES, TYPES, FORMS)]
    cases += [(LARGE, torch.bfloat16, (True, True), 0.0), ((2, 64, 9, 31), torch.float32, (False, True), 1000.0)]
    for shape, kind, (add, relu), mean in cases:
        compare_layer(shape, kind, add, relu, mean)
    sys.stderr.write(f"{len(cases)} layers: results, gradients and statistics are float64's\n")
    for name, network, images in networks():
        compare_network(name, network, images)


def compare_layer(shape: tuple[int, ...], kind: torch.dtype, add: bool, relu: bool, mean: float) -> None:
    """`mean` is in deviations of the features. Where it is large, float32 itself can hold the features only so
    well, and what is compared is what became of the rounded ones."""
    channels = shape[1]
    twin = without_counts(nn.BatchNorm2d(channels))
    for tensor in (twin.weight.data, twin.bias.data, twin.running_mean):
        tensor.normal_()
    plain = deepcopy(twin).double()
    features, shortcut, gradient = torch.randn(3, *shape).to(kind).contiguous().unbind()
    features = (features.float() + mean).to(kind).contiguous(memory_format=torch.channels_last)
    given = [features, shortcut] if add else [features]
    ours = outcome(FusedBatchNorm2d(twin, norm_kernels), given, gradient, relu)
    theirs = outcome(plain, [values.double() for values in given], gradient.double(), relu)
    variance = features.double().var((0, 2, 3), unbiased=False) + plain.eps
    scale = (plain.weight.data / variance.sqrt())[:, None, None]
    # where there are few rows nearly all of a gradient cancels, or all of it
    sizes = {
        "features": (gradient.double() * scale).norm(),
        **dict.fromkeys(("weight", "bias"), gradient.double().norm()),
    }
    for name, values in theirs.items():
        what = f"{name} of {shape}, {kind}, shortcut {add}, ReLU {relu}, mean {mean}"
        allowed = TYPES[kind if name in {"result", "features", "shortcut"} else torch.float32]
        need_close(what, ours[name], values, allowed * max(1, mean / 3), sizes.get(name))


def outcome(
    layer: nn.BatchNorm2d, given: list[torch.Tensor], gradient: torch.Tensor, relu: bool
) -> dict[str, torch.Tensor]:
    leaves = [values.detach().requires_grad_() for values in given]
    if isinstance(layer, FusedBatchNorm2d):
        result = normalised(layer, *leaves) if relu else layer(*leaves)
    else:
        result = sum(leaves[1:], standardised(layer, leaves[0]))
        result = F.relu(result) if relu else result
    result.backward(gradient)
    gradients = {name: leaf.grad for name, leaf in zip(("features", "shortcut"), leaves, strict=False)}
    weights = {name: weight.grad for name, weight in layer.named_parameters()}
    return {"result": result.detach(), **gradients, **weights, **dict(layer.named_buffers())}


def standardised(layer: nn.BatchNorm2d, features: torch.Tensor) -> torch.Tensor:
    """BatchNorm by its definition, for torch's own refuses a single value per channel."""
    mean = features.mean((0, 2, 3))
    away = features - mean[:, None, None]
    variance = away.square().mean((0, 2, 3))
    rows = features.numel() // features.shape[1]
    with torch.no_grad():
        layer.running_mean.lerp_(mean, layer.momentum)
        layer.running_var.lerp_(variance * rows / max(rows - 1, 1), layer.momentum)
    scale = layer.weight / (variance + layer.eps).sqrt()
    return away * scale[:, None, None] + layer.bias[:, None, None]


def networks() -> Iterator[tuple[str, nn.Module, torch.Tensor]]:
    yield "unet", UNet(3), torch.randn(2, 3, 64, 64)
    resnet.BLOCKS["resnet-50"] = (2, 1, 1, 1)
    for algorithm in ("fcn", "psp", "deeplab"):
        yield algorithm, SegmentationNetwork(algorithm, "resnet-50", 3), torch.randn(2, 3, 32, 40)


def compare_network(name: str, network: nn.Module, images: torch.Tensor) -> None:
    """A step in float32 with the kernels, and plainly in float64, without dropout. A single value near 0 that float32
    puts on ReLU's other side shows in gradients: in pyramid pooling, whose layers have few values, by 2 % of their
    norm, with kernels in plain torch too. What is wrong is further off."""
    for dropout in (module for module in network.modules() if isinstance(module, nn.Dropout)):
        dropout.p = 0.0
    theirs = step(deepcopy(without_counts(network)).double(), images.double())
    fuse(network, norm_kernels)
    ours = step(network, images)
    for part, values in theirs.items():
        need_close(f"{name}: {part}", ours[part], values, 0.05 if part.startswith("gradient") else 1e-3)
    sys.stderr.write(f"{name}: scores, gradients and statistics of a step are float64's\n")


def step(network: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    scores, auxiliary = network.train()(images)
    loss = scores.square().mean() + (0 if auxiliary is None else auxiliary.square().mean())
    loss.backward()
    gradients = {f"gradient of {name}": weight.grad for name, weight in network.named_parameters()}
    return {"loss": loss.detach(), "scores": scores.detach(), **gradients, **dict(network.named_buffers())}


def need_close(
    what: str, ours: torch.Tensor, theirs: torch.Tensor, allowed: float, size: torch.Tensor | None = None
) -> None:
    found = apart(ours, theirs, size)
    if not found <= allowed:
        raise SystemExit(f"{what}: {found:.1e} apart, expected {allowed:.1e}")


def apart(ours: torch.Tensor, theirs: torch.Tensor, size: torch.Tensor | None = None) -> float:
    """As a share of `size`, by default the norm of `theirs`."""
    size = theirs.norm() if size is None else size
    return float((ours.double() - theirs.double()).norm() / size.clamp(min=1e-3))


if __name__ == "__main__":
    main()

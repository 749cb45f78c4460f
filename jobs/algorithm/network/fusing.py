"""Whether a training's normalisation is fused, and its kernels: compiled, and tried against the plain form."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from itertools import product

import torch
from torch import nn

from jobs.algorithm.network.batch_norm import normalised, without_counts
from jobs.algorithm.network.fused_norm import FusedBatchNorm2d, Kernels, Normalisation

log = logging.getLogger(__name__)

FEWEST_STEPS = 500
"""Steps from which on compiling pays, by estimates. Ten kernels take three to four seconds of two cores to compile
(for sm_90, on a machine without a GPU), and a third of what an H200's step passes over memory is saved: 2 ms at crop
240, 9 ms at 512, with 16 images, where normalisation, additions and ReLU take 40 % of it."""
FORMS = ((False, False), (False, True), (True, True))
"""What follows a BatchNorm in the networks: a shortcut or not, ReLU or not."""
_SIDE = 129
"""Of the features that kernels are tried on: two images are 260 tiles of 64 channels, so that some of the 256
parts of the rows have two, and the last is not whole."""
_CLOSE = 0.01
"""How far the fused form may be from float32's plain one, as a share of the values' norm. bfloat16 rounds
each value by up to 0.4 %."""


def fused_kernels(
    network: nn.Module, place: torch.device, precision: torch.dtype, steps: int, members: int
) -> Kernels | None:
    """The kernels for the BatchNorms of a network that so many GPUs train in so many steps, compiled and tried;
    None where the plain form is to be taken. The log says which, and why; of a processor, where there is no choice,
    it says nothing. The network is only read, so that this may run beside other work, and torch's own random
    numbers go on as if it had not run."""
    if place.type != "cuda":
        return None
    started = time.perf_counter()
    reason, kernels = reason_against(precision, steps, members), None
    if reason is None:
        try:
            kernels = _tried_kernels(network, place)
        except Exception as e:  # noqa: BLE001 (a compiler, its driver and a card fail in many ways; none is needed)
            reason = f"{type(e).__name__}: {e}"
    if kernels is None:
        log.info("normalisation is not fused: %s", " ".join(str(reason).split())[:300])
    else:
        log.info("normalisation is fused: compiled and tried in %.1f s", time.perf_counter() - started)
    return kernels


def reason_against(precision: torch.dtype, steps: int, members: int) -> str | None:
    """Why the normalisation of a training on a GPU is not to be fused; None where it is."""
    if precision != torch.bfloat16:
        return "it computes in float32"
    if members > 1:
        # starting Triton's kernels from Python takes longer than torch's own, and only a graph hides it
        return "the steps of several GPUs are not captured as a graph"
    if steps < FEWEST_STEPS:
        return f"the job has {steps} steps, compiling pays from {FEWEST_STEPS}"
    if find_spec("triton") is None:
        return "no Triton, which PyTorch's wheels for CUDA bring along on Linux"
    named = os.environ.get("CC")
    if not any(map(shutil.which, [named] if named else ["gcc", "clang"])):
        return f"no C compiler ({f'CC is {named}' if named else 'gcc or clang'}), without which Triton starts no kernel"
    return None


def fuse(network: nn.Module, kernels: Kernels | None) -> None:
    """Let a network's BatchNorms be computed by kernels in training, where there are any. Parameters and
    their names stay."""
    if kernels is None:
        return
    for module in network.modules():
        for name, norm in list(module.named_children()):
            if isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, FusedBatchNorm2d(norm, kernels))


def _tried_kernels(network: nn.Module, place: torch.device) -> Kernels:
    """Raises whatever the compiler or the card does, and ArithmeticError for a wrong result."""
    from jobs.algorithm.network import norm_kernels

    # the least number of channels for each width of a tile, which is what kernels are compiled for
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    numbers = sorted((norm.num_features for norm in norms), reverse=True)
    channels = {norm_kernels.block_width(number): number for number in numbers}.values()
    first, *others = [call for number in channels for call in calls_of_all(norm_kernels, number, place)]
    first()  # alone, for it sets up the driver
    with ThreadPoolExecutor(len(others)) as threads:
        for running in [threads.submit(call) for call in others]:
            running.result()
    for number, (add, relu) in product(channels, FORMS):
        try_form(norm_kernels, number, place, add, relu)
    return norm_kernels


def calls_of_all(kernels: Kernels, channels: int, place: torch.device) -> Iterator[Callable[[], object]]:
    """Calls on a few values, each of which needs another kernel in bfloat16; together they need all."""
    features = torch.zeros((1, channels, 1, 1), device=place, dtype=torch.bfloat16)
    mean, variance, weight, bias = (torch.zeros(channels, device=place) for _ in range(4))
    totals = torch.zeros((2, channels), device=place)
    norm = Normalisation(totals, weight, bias)
    yield partial(kernels.measure, features, mean, variance, 0.1, 1e-5)
    for add, relu in FORMS:
        other = features if add else None
        yield partial(kernels.apply, features, other, norm, relu)
        yield partial(kernels.sums, features, features, other, norm, relu)
    for relu in (False, True):
        yield partial(kernels.differentiate, features, features, totals, norm, relu)


def try_form(kernels: Kernels, channels: int, place: torch.device, add: bool, relu: bool) -> None:
    """Compare a fused layer with the plain one, forward and backward, on random values. Raises
    ArithmeticError where they are further apart than rounding brings them."""
    random = torch.Generator(place)
    plain, twin = (without_counts(nn.BatchNorm2d(channels, device=place)) for _ in range(2))
    for layer in (plain, twin):
        random.manual_seed(0)
        for weight in layer.parameters():
            weight.data.normal_(generator=random)
    drawn = torch.randn((3, 2, _SIDE, _SIDE, channels), generator=random, device=place).bfloat16()
    features, shortcut, gradient = drawn.permute(0, 1, 4, 2, 3).unbind()
    given = [features + 3, shortcut] if add else [features + 3]
    found = _outcome(FusedBatchNorm2d(twin, kernels), given, gradient, relu)
    expected = _outcome(plain, [values.float() for values in given], gradient.float(), relu)
    for name, values in expected.items():
        apart = (found[name].float() - values).norm() / values.norm()
        if not apart <= _CLOSE:
            form = f"{channels} channels, shortcut {add}, ReLU {relu}"
            raise ArithmeticError(f"{name} is {float(apart):.2%} from the plain form's ({form}); expected {_CLOSE:.0%}")


def _outcome(
    layer: nn.BatchNorm2d, given: list[torch.Tensor], gradient: torch.Tensor, relu: bool
) -> dict[str, torch.Tensor]:
    """What a layer makes of features, and of a shortcut where one is given: all that training takes from it."""
    leaves = [values.detach().requires_grad_() for values in given]
    result = normalised(layer, *leaves) if relu else layer(*leaves)
    result.backward(gradient)
    tensors = (*zip(("features", "shortcut"), leaves, strict=False), *layer.named_parameters())
    gradients = {f"gradient of {name}": tensor.grad for name, tensor in tensors if tensor.grad is not None}
    return {"result": result.detach(), **gradients, **dict(layer.named_buffers())}

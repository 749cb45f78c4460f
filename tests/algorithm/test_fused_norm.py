"""BatchNorm, shortcut and ReLU as one. The kernels themselves are tried here where there is a GPU, and elsewhere
by oracles/triton_interpreted.py."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from jobs.algorithm.__main__ import main
from jobs.algorithm.network import fusing
from jobs.algorithm.network.batch_norm import Layers, PooledBatchNorm2d, normalised, without_counts
from jobs.algorithm.network.build import SegmentationNetwork
from jobs.algorithm.network.fused_norm import FusedBatchNorm2d
from jobs.algorithm.network.fusing import (
    FEWEST_STEPS,
    FORMS,
    calls_of_all,
    fuse,
    fused_kernels,
    reason_against,
    try_form,
)
from jobs.algorithm.network.resnet import Bottleneck
from jobs.algorithm.network.unet import UNet
from jobs.algorithm.training import loop
from jobs.algorithm.weights.load import named_weights
from tests.support.opt_ml_samples import SETTINGS, last_weights, load, write_root
from tests.support.plain_kernels import PlainKernels
from tests.support.small_network import shrink_networks

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def small_network(algorithm: str, patch: pytest.MonkeyPatch) -> nn.Module:
    """Without counts, as training takes it, and without dropout."""
    torch.manual_seed(0)
    shrink_networks(patch)
    unet = algorithm == "unet"
    network = UNet(2, widths=(4, 6, 8)) if unet else SegmentationNetwork(algorithm, "resnet-50", 2)
    for dropout in (module for module in network.modules() if isinstance(module, nn.Dropout)):
        dropout.p = 0.0
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return without_counts(network)


def step(network: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Scores of a training step, its gradients, and the statistics after it."""
    scores, auxiliary = network.train()(images)
    (scores.square().mean() + (0 if auxiliary is None else auxiliary.square().mean())).backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    return {"scores": scores.detach(), **gradients, **dict(network.named_buffers())}


@pytest.mark.parametrize("algorithm", ["unet", "fcn", "psp", "deeplab"])
def test_a_fused_network_trains_as_the_plain_one(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, images, kernels = small_network(algorithm, monkeypatch), torch.randn(2, 3, 32, 40), PlainKernels()
    expected = step(deepcopy(network).double(), images.double())
    fuse(network, kernels)
    found = step(network, images)
    assert {"measure", "apply", "sums", "differentiate"} == set(kernels.called)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        apart = (found[name] - values).norm() / values.norm().clamp(min=1e-3)
        assert apart < 1e-3, name


@pytest.mark.parametrize("algorithm", ["unet", "psp", "deeplab"])
def test_a_fused_network_trains_in_bfloat16(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types are those that autocast makes; rounding itself is as far from float32 as the plain form's."""
    network, images = small_network(algorithm, monkeypatch), torch.randn(2, 3, 64, 72)
    exact = step(deepcopy(network), images)["scores"]
    with torch.autocast("cpu", torch.bfloat16):
        plain = step(deepcopy(network), images)["scores"]
        fuse(network, PlainKernels())
        fused = step(network, images)
    assert fused["scores"].dtype == plain.dtype
    assert all(values.isfinite().all() for values in fused.values())
    assert (fused["scores"] - exact).norm() < 2 * (plain - exact).norm()


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 5), st.integers(2, 5)),
    st.booleans(),
    st.integers(0, 99),
)
def test_a_fused_layer_is_the_plain_one_whatever_its_size(shape: tuple[int, ...], add: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features, shortcut = torch.randn((2, *shape), dtype=torch.float64, generator=generator).requires_grad_().unbind()
    layer = without_counts(nn.BatchNorm2d(shape[1]).double())
    fused = FusedBatchNorm2d(deepcopy(layer).float(), PlainKernels())
    expected = normalised(layer, features, shortcut if add else None)
    found = normalised(fused, features.float(), shortcut.float() if add else None)
    torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-3)
    for ours, theirs in zip(fused.buffers(), layer.buffers(), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("algorithm", ["unet", "deeplab"])
def test_fusing_keeps_weights_and_their_names(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network(algorithm, monkeypatch)
    before = list(named_weights(network))
    fuse(network, PlainKernels())
    after = list(named_weights(network))
    assert [name for name, _ in after] == [name for name, _ in before]
    assert all(found is tensor for (_, found), (_, tensor) in zip(after, before, strict=True))
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(isinstance(norm, FusedBatchNorm2d) for norm in norms)


def test_a_fused_network_is_evaluated_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    network, images, kernels = small_network("fcn", monkeypatch).eval(), torch.rand(1, 3, 32, 40), PlainKernels()
    with torch.inference_mode():
        expected, _ = network(images)
        fuse(network, kernels)
        torch.testing.assert_close(network.eval()(images)[0], expected, rtol=0, atol=0)
    assert kernels.called == []


def test_without_kernels_a_network_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network("unet", monkeypatch)
    fuse(network, None)
    assert not any(isinstance(module, FusedBatchNorm2d) for module in network.modules())


def test_a_single_value_per_channel_gives_beta() -> None:
    plain = PooledBatchNorm2d(3)
    with torch.no_grad():
        plain.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    fused = FusedBatchNorm2d(plain, PlainKernels())
    features = torch.full((1, 3, 1, 1), 7.0, requires_grad=True)
    result = fused(features)
    result.sum().backward()
    assert result.flatten().tolist() == [1, 2, 3]
    assert features.grad is not None
    assert features.grad.abs().sum() == 0
    assert fused.running_var is not None
    torch.testing.assert_close(fused.running_var, torch.full((3,), 0.9))  # 0.9 × 1 + 0.1 × 0


@pytest.mark.parametrize("fused", [False, True])
def test_layers_are_those_of_a_sequence(fused: bool) -> None:
    torch.manual_seed(0)
    layers = Layers(
        nn.Conv2d(3, 4, 1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0),
        nn.Conv2d(4, 2, 1),
        nn.BatchNorm2d(2),
    )
    plain, images = nn.Sequential(*layers), torch.randn(2, 3, 5, 7)
    expected = plain(images)
    fuse(layers, PlainKernels() if fused else None)
    torch.testing.assert_close(layers(images), expected, rtol=1e-4, atol=1e-5)


def test_a_bottleneck_keeps_no_more_for_its_backward_pass() -> None:
    """The least of all blocks: what a shortcut adds to must be kept by the convolution after it anyway."""
    block = nn.Sequential(Bottleneck(16, 4, 1, 1, project=True), nn.Conv2d(16, 4, 1))
    block = without_counts(block.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    images = torch.randn(2, 16, 24, 24).contiguous(memory_format=torch.channels_last)
    plain = kept_bytes(block, images)
    fuse(block, PlainKernels())
    small = 8 * 3 * 2 * 16 * 4  # statistics of three layers and a projection
    assert kept_bytes(block, images) <= plain + small


def kept_bytes(network: nn.Module, images: torch.Tensor) -> int:
    """Bytes that autograd keeps from the forward pass to the backward pass."""
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = network.train()(images)
    assert result.requires_grad
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize(("add", "relu"), FORMS)
def test_right_kernels_pass_their_trial(add: bool, relu: bool) -> None:
    before = torch.get_rng_state()
    try_form(PlainKernels(), 16, CPU, add, relu)
    assert torch.equal(torch.get_rng_state(), before)  # a training draws as if there had been no trial


@pytest.mark.parametrize("wrong", ["measure", "apply", "sums", "differentiate"])
def test_wrong_kernels_fail_their_trial(wrong: str) -> None:
    with pytest.raises(ArithmeticError, match=r"from the plain form's \(16 channels, shortcut True, ReLU True\)"):
        try_form(PlainKernels(wrong), 16, CPU, add=True, relu=True)  # type: ignore[arg-type]


def test_what_is_compiled_is_all_that_a_training_needs() -> None:
    kernels = PlainKernels()
    for call in calls_of_all(kernels, 16, CPU):
        call()
    assert sorted(kernels.called) == ["apply"] * 3 + ["differentiate"] * 2 + ["measure"] + ["sums"] * 3


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Triton and a C compiler."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(fusing, "find_spec", lambda _: object())
    monkeypatch.setattr("shutil.which", lambda name: name if name == "gcc" else None)


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("precision", "steps", "members", "reason"),
    [
        (torch.bfloat16, FEWEST_STEPS, 1, None),
        (torch.float32, FEWEST_STEPS, 1, "it computes in float32"),
        (torch.bfloat16, FEWEST_STEPS, 2, "the steps of several GPUs are not captured as a graph"),
        (torch.bfloat16, 40, 1, f"the job has 40 steps, compiling pays from {FEWEST_STEPS}"),
    ],
)
def test_normalisation_is_fused_where_it_pays(
    precision: torch.dtype, steps: int, members: int, reason: str | None
) -> None:
    assert reason_against(precision, steps, members) == reason


@pytest.mark.usefixtures("complete")
def test_what_the_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "mycc")
    assert reason_against(torch.bfloat16, FEWEST_STEPS, 1) == (
        "no C compiler (CC is mycc), without which Triton starts no kernel"
    )
    monkeypatch.delenv("CC")
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert reason_against(torch.bfloat16, FEWEST_STEPS, 1) == (
        "no C compiler (gcc or clang), without which Triton starts no kernel"
    )
    monkeypatch.setattr(fusing, "find_spec", lambda _: None)
    assert "no Triton" in str(reason_against(torch.bfloat16, FEWEST_STEPS, 1))


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize("fails", [False, True])
def test_the_log_says_what_was_decided(
    fails: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def tried(*_: object) -> PlainKernels:
        if fails:
            raise RuntimeError("ptxas died\nof a signal")
        return PlainKernels()

    monkeypatch.setattr(fusing, "_tried_kernels", tried)
    caplog.set_level(logging.INFO)
    found = fused_kernels(nn.Sequential(nn.BatchNorm2d(2)), GPU, torch.bfloat16, FEWEST_STEPS, 1)
    assert (found is None) == fails
    (line,) = caplog.messages
    expected = (
        "is not fused: RuntimeError: ptxas died of a signal" if fails else "is fused: compiled and tried in 0.0 s"
    )
    assert line == f"normalisation {expected}"


def test_a_processor_has_no_choice_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert fused_kernels(nn.Sequential(nn.BatchNorm2d(2)), CPU, torch.bfloat16, FEWEST_STEPS, 1) is None
    assert caplog.messages == []


def test_a_training_with_kernels_ends_as_one_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels, asked = PlainKernels(), list[tuple[int, int]]()

    def given(_network: nn.Module, _place: torch.device, _precision: torch.dtype, *job: int) -> PlainKernels:
        asked.append((job[0], job[1]))
        return kernels

    # small steps, for where two values per channel are left, their difference soon makes much of rounding
    settings = {**SETTINGS, "optimizer": "sgd", "learning_rate": "0.0001"}
    roots = [write_root(tmp_path / name, settings) for name in ("plain", "fused")]
    assert main(["train", "--root", str(roots[0])]) == 0
    monkeypatch.setattr(loop, "fused_kernels", given)
    assert main(["train", "--root", str(roots[1])]) == 0
    assert asked == [(4, 1)]  # two epochs of two steps, by one member
    assert kernels.called
    plain, fused = (load(root).parameters for root in roots)
    assert plain.keys() == fused.keys()
    for name, values in plain.items():
        np.testing.assert_allclose(fused[name], values, rtol=0.01, atol=1e-3, err_msg=name)
    assert last_weights(roots[0]) != last_weights(roots[1])


@on_gpu
@pytest.mark.parametrize("channels", [16, 21, 64, 96, 512, 2048])
def test_kernels_on_a_gpu_are_as_the_plain_form(channels: int) -> None:
    from jobs.algorithm.network import norm_kernels

    for add, relu in FORMS:
        try_form(norm_kernels, channels, GPU, add, relu)


@on_gpu
def test_a_training_on_a_gpu_finds_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SegmentationNetwork("fcn", "resnet-50", 2).to(GPU)
    reason = reason_against(torch.bfloat16, FEWEST_STEPS, 1)
    kernels = fused_kernels(network, GPU, torch.bfloat16, FEWEST_STEPS, 1)
    assert (kernels is None) == (reason is not None)


@on_gpu
@pytest.mark.parametrize("forward", [lambda norm, x: norm(x), normalised, lambda norm, x: normalised(norm, x, x)])
def test_a_captured_layer_is_the_plain_call(forward: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> None:
    from jobs.algorithm.network import norm_kernels

    layer = FusedBatchNorm2d(nn.BatchNorm2d(64, device=GPU), norm_kernels)
    features = torch.randn(4, 64, 33, 35, device=GPU, dtype=torch.bfloat16).contiguous(
        memory_format=torch.channels_last
    )
    own = features.clone().requires_grad_()
    torch.cuda.synchronize()
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    with torch.cuda.stream(aside):
        for _ in range(2):
            torch.autograd.grad(forward(layer, own).float().square().sum(), own)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        (captured,) = torch.autograd.grad(forward(layer, own).float().square().sum(), own)
    own.data.copy_(features * 2 + 1)
    graph.replay()
    (expected,) = torch.autograd.grad(forward(layer, own).float().square().sum(), own)
    torch.testing.assert_close(captured, expected, rtol=0, atol=0)

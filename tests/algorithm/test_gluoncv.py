"""Our networks against GluonCV's, from golden files; `oracles/gluoncv_golden.py` makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jobs.algorithm.network.build import SegmentationNetwork
from jobs.algorithm.network.segmentation_heads import resize
from jobs.algorithm.weights.load import load_parameters, named_weights
from jobs.algorithm.weights.parameter_names import flat_names
from tests.support.golden_formulas import (
    CASES,
    NUM_CLASSES,
    PAIRS,
    Array,
    Case,
    image_values,
    names_digest,
    parameter_values,
    sampled,
    sampled_statistics,
    shapes_digest,
)

GOLDEN = Path(__file__).parents[1] / "data/golden"
TOLERANCE = 1e-4
"""Of the range of GluonCV's scores."""
CROPS = [case for case in CASES if case.name.startswith("crop-")]
SMALL = [case for case in CASES if case not in CROPS]


def golden(algorithm: str, backbone: str) -> dict[str, Any]:
    with np.load(GOLDEN / f"{algorithm}-{backbone}.npz") as arrays:
        return dict(arrays)


@dataclass(frozen=True)
class Built:
    """A network in the layout that training uses, with dropout that does nothing; its values, and how many of each
    channel a BatchNorm averaged over last."""

    algorithm: str
    backbone: str
    network: SegmentationNetwork
    values: dict[str, Array]
    statistics: dict[str, torch.Tensor]
    counts: dict[str, int]

    def at_start(self, training: bool) -> SegmentationNetwork:
        self.network.load_state_dict(self.statistics, strict=False)
        return self.network.train(training)


def statistics_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def built(request: pytest.FixtureRequest) -> Built:
    algorithm, backbone = request.param
    with torch.device("meta"):  # no time for initial weights
        network = SegmentationNetwork(algorithm, backbone, NUM_CLASSES)
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0
    values = {name: parameter_values(name, tuple(tensor.shape)) for name, tensor in named_weights(network)}
    load_parameters(network, values, "formula")
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Built(algorithm, backbone, network, values, statistics_of(network), count_values(network))


class Encoders:
    """The passes of both encoders, each done once: an encoder's weights follow from their names, so that what it
    makes of a case, its statistics in training too, serves all decoders."""

    def __init__(self) -> None:
        self.passes: dict[tuple[str, Case], tuple[Any, dict[str, torch.Tensor], dict[str, int]]] = {}

    def features(self, built: Built, case: Case) -> tuple[torch.Tensor, torch.Tensor]:
        if (built.backbone, case) not in self.passes:
            outputs = SegmentationNetwork.features(built.network, images(case))
            moved = {name: t for name, t in statistics_of(built.network).items() if not name.startswith("head.")}
            self.passes[built.backbone, case] = outputs, moved, dict(built.counts)
        outputs, moved, counts = self.passes[built.backbone, case]
        built.network.load_state_dict(moved, strict=False)
        built.counts.update(counts)
        middle, last = outputs
        return middle, last


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return Encoders()


def images(case: Case) -> torch.Tensor:
    return torch.from_numpy(image_values(case)).contiguous(memory_format=torch.channels_last)


def check_scores(scores: torch.Tensor | None, expected: dict[str, Any], kind: str) -> None:
    assert scores is not None
    lowest, highest = expected[f"{kind}-range"]
    np.testing.assert_allclose(
        sampled(scores.numpy()), expected[kind], rtol=0, atol=TOLERANCE * (highest - lowest), err_msg=kind
    )


def count_values(network: nn.Module) -> dict[str, int]:
    """Filled in a forward pass: how many values of each channel a BatchNorm averages over."""
    counts: dict[str, int] = {}

    def counter(path: str) -> Callable[[nn.Module, tuple[torch.Tensor]], None]:
        def count(_: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            counts[path] = inputs[0].numel() // inputs[0].shape[1]

        return count

    for path, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(counter(path))
    return counts


def statistics_as_on_mxnets_cpu(network: nn.Module, before: dict[str, Array], counts: dict[str, int]) -> Array:
    """The running statistics after one training pass, had the variance been divided by n, not n - 1.

    mxnet does so on a CPU, where the golden files come from. On a GPU it leaves BatchNorm to cuDNN,
    as torch does, which divides by n - 1.
    """
    after = {}
    for name, tensor in named_weights(network):
        path, _, leaf = name.rpartition(".")
        if leaf == "running_var":
            kept = 0.9 * before[name]
            after[name] = kept + (tensor.numpy() - kept) * (counts[path] - 1) / counts[path]
        elif leaf == "running_mean":
            after[name] = tensor.numpy()
    return sampled_statistics(after)


@pytest.mark.parametrize(("algorithm", "backbone"), PAIRS)
def test_parameters_have_gluoncvs_names_and_shapes_in_its_order(algorithm: str, backbone: str) -> None:
    with torch.device("meta"):
        network = SegmentationNetwork(algorithm, backbone, NUM_CLASSES)
    shapes = {name: tuple(tensor.shape) for name, tensor in named_weights(network)}
    assert shapes_digest(shapes) == str(golden(algorithm, backbone)["shapes"])


@pytest.mark.parametrize(("algorithm", "backbone"), PAIRS)
def test_flat_names_are_those_that_gluoncv_gives(algorithm: str, backbone: str) -> None:
    with torch.device("meta"):
        own = [name for name, _ in named_weights(SegmentationNetwork(algorithm, backbone, NUM_CLASSES))]
    assert names_digest(flat_names(own)) == str(golden(algorithm, backbone)["flat-names"])


@pytest.mark.parametrize("case", CROPS, ids=lambda case: case.name)
@torch.inference_mode()
def test_crops_are_scored_as_by_gluoncv(built: Built, case: Case, encoders: Encoders) -> None:
    network = built.at_start(training=False)
    middle, last = encoders.features(built, case)
    for kind, scores in (("scores", network.head(last)), ("auxiliary", network.auxlayer(middle))):
        full = resize(scores, torch.Size((case.height, case.width)))
        check_scores(full, golden(built.algorithm, built.backbone), f"{case.name}/{kind}")


@torch.inference_mode()
def test_any_size_and_mode_is_scored_as_by_gluoncv(
    built: Built, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = golden(built.algorithm, built.backbone)
    for case in SMALL:
        network = built.at_start(case.training)
        monkeypatch.setattr(network, "features", lambda _, case=case: encoders.features(built, case), raising=False)
        scores, auxiliary = network(images(case))
        check_scores(scores, expected, f"{case.name}/scores")
        if not case.training:
            assert auxiliary is None
            continue
        check_scores(auxiliary, expected, f"{case.name}/auxiliary")
        moved = statistics_as_on_mxnets_cpu(network, built.values, built.counts)
        np.testing.assert_allclose(moved, expected[f"{case.name}/statistics"], rtol=1e-4, atol=1e-5)

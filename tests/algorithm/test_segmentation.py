"""The built-in's networks as parts that train. That they equal GluonCV's: test_algorithm_gluoncv.py."""

import numpy as np
import pytest
import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.network.batch_norm import PooledBatchNorm2d
from jobs.algorithm.network.build import SegmentationNetwork, build_network
from jobs.algorithm.network.resnet import Bottleneck
from jobs.algorithm.weights.load import load_parameters, named_weights
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.mxnet_params import Array


def built(**hyperparameters: str) -> nn.Module:
    return build_network(
        parse_hyperparameters({"num_classes": "4", "num_training_samples": "8", **hyperparameters}, "open")
    )


def zeros(algorithm: str, backbone: str, num_classes: int) -> dict[str, Array]:
    """Parameters of a network, all of one zero that takes no memory."""
    with torch.device("meta"):
        network = SegmentationNetwork(algorithm, backbone, num_classes)
    zero = np.zeros((), np.float32)
    return {name: np.broadcast_to(zero, tuple(tensor.shape)) for name, tensor in named_weights(network)}


@pytest.mark.parametrize(
    ("algorithm", "backbone", "bottlenecks", "head"),
    [
        ("fcn", "resnet-50", 16, "FcnHead"),
        ("psp", "resnet-50", 16, "PspHead"),
        ("deeplab", "resnet-101", 33, "DeepLabHead"),
    ],
)
def test_hyperparameters_name_the_network(algorithm: str, backbone: str, bottlenecks: int, head: str) -> None:
    with torch.device("meta"):
        network = built(algorithm=algorithm, backbone=backbone)
    assert sum(isinstance(module, Bottleneck) for module in network.modules()) == bottlenecks
    assert type(network.head).__name__ == head
    assert dict(network.named_parameters())["auxlayer.block.4.bias"].shape == (4,)


@pytest.mark.parametrize("algorithm", ["unet", "fcn"])
def test_convolutions_lie_channels_last(algorithm: str) -> None:
    weights = [module.weight for module in built(algorithm=algorithm).modules() if isinstance(module, nn.Conv2d)]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
def test_one_image_trains_every_weight(algorithm: str) -> None:
    network = SegmentationNetwork(algorithm, "resnet-50", 2).train()
    scores, auxiliary = network(torch.rand(1, 3, 32, 40))
    assert auxiliary is not None
    assert scores.shape == auxiliary.shape == (1, 2, 32, 40)
    (scores.square().sum() + auxiliary.square().sum()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


@torch.no_grad()
def test_initial_weights_are_mxnets() -> None:
    weights = dict(SegmentationNetwork("fcn", "resnet-50", 2).named_parameters())
    convolution = weights["head.block.0.weight"]
    assert float(convolution.abs().max()) == pytest.approx(0.07, rel=1e-3)
    assert float(convolution.std()) == pytest.approx(0.07 / 3**0.5, rel=1e-2)
    assert weights["head.block.4.bias"].tolist() == [0, 0]


def test_one_pooled_value_trains_like_the_same_value_twice() -> None:
    norm, value = PooledBatchNorm2d(3).train(), torch.tensor([1.0, -2.0, 5.0]).view(1, 3, 1, 1)
    nn.init.constant_(norm.bias, 0.5)
    output = norm(value)
    output.sum().backward()
    assert output.flatten().tolist() == [0.5, 0.5, 0.5]
    assert norm.bias.grad is not None
    assert norm.bias.grad.tolist() == [1, 1, 1]
    statistics = dict(norm.named_buffers())
    np.testing.assert_allclose(statistics["running_mean"], [0.1, -0.2, 0.5], rtol=1e-6)
    np.testing.assert_allclose(statistics["running_var"], [0.9] * 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("algorithm", "backbone", "num_classes", "problem"),
    [
        (
            "fcn",
            "resnet-50",
            21,
            r"head.block.4.weight has shape \(21, 512, 1, 1\), expected \(2, 512, 1, 1\); num_classes",
        ),
        ("psp", "resnet-50", 2, "head.psp.conv1.0.weight is not known"),
        ("fcn", "resnet-101", 2, "layer3.6.conv1.weight is not known"),
    ],
)
def test_weights_of_another_network_are_refused_by_the_parameters_name(
    algorithm: str, backbone: str, num_classes: int, problem: str
) -> None:
    with torch.device("meta"):
        network = SegmentationNetwork("fcn", "resnet-50", 2)
    with pytest.raises(SagesegError, match=rf"^model\.tar\.gz: parameter {problem}"):
        load_parameters(network, zeros(algorithm, backbone, num_classes), "model.tar.gz")

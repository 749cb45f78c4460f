"""The U-Net and the names of its weights."""

import numpy as np
import pytest
import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.network.unet import UNet
from jobs.algorithm.weights.load import load_parameters, named_weights, to_parameters


def random_unet(num_classes: int = 3, seed: int = 0) -> nn.Module:
    """A small network whose statistics are not at their start either."""
    torch.manual_seed(seed)
    network = UNet(num_classes, widths=(4, 6, 8))
    with torch.no_grad():
        for _, tensor in named_weights(network):
            tensor.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (1, 1), (31, 33), (100, 20)])
def test_scores_have_the_images_size_whatever_it_is(height: int, width: int) -> None:
    with torch.no_grad():
        scores, _ = UNet(5).eval()(torch.rand(2, 3, height, width))
    assert scores.shape == (2, 5, height, width)


def test_padding_repeats_the_edge() -> None:
    image = torch.rand(1, 3, 16, 20)
    padded = torch.cat([image, image[..., -1:].expand(1, 3, 16, 4)], 3)
    network = random_unet()
    with torch.no_grad():
        torch.testing.assert_close(network(image)[0], network(padded)[0][..., :20])


def test_memory_layout_does_not_change_the_scores() -> None:
    image, network = torch.rand(2, 3, 32, 32), random_unet()
    with torch.no_grad():
        plain, _ = network(image)
        last, _ = network.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))  # type: ignore[call-overload]
    torch.testing.assert_close(plain, last)


def test_every_weight_gets_a_gradient() -> None:
    network = UNet(2).train()
    network(torch.rand(2, 3, 64, 64))[0].square().sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_normalisation_is_imagenets() -> None:
    white = np.full((1, 1, 2, 3), 255, np.uint8)
    expected = (1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    normalised = normalise(torch.from_numpy(white))
    assert normalised.shape == (1, 3, 1, 2)
    assert normalised.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(normalised[0, :, 0, 1], expected, rtol=1e-5)


def test_weights_bear_mxnets_names() -> None:
    names = set(to_parameters(random_unet()))
    assert {"stem.0.weight", "stem.1.gamma", "stem.1.beta", "stem.1.running_mean", "stem.1.running_var"} <= names
    assert {"head.weight", "head.bias"} <= names
    assert not {name for name in names if "num_batches" in name or name.endswith(".1.weight")}


def test_weights_make_the_round_trip() -> None:
    image, trained, fresh = torch.rand(1, 3, 32, 32), random_unet(seed=1), random_unet(seed=2)
    load_parameters(fresh, to_parameters(trained), "x")
    with torch.no_grad():
        torch.testing.assert_close(fresh(image), trained(image), rtol=0, atol=0)


def test_saved_weights_do_not_follow_the_training() -> None:
    network = random_unet()
    saved = to_parameters(network)
    before = saved["head.bias"].copy()
    with torch.no_grad():
        dict(named_weights(network))["head.bias"].add_(1)
    np.testing.assert_array_equal(saved["head.bias"], before)


def test_another_number_of_classes_is_named_with_the_parameter() -> None:
    with pytest.raises(SagesegError, match=r"x: parameter head.weight has shape \(12, 4, 1, 1\), expected \(8,"):
        load_parameters(random_unet(2), to_parameters(random_unet(3)), "x")


@pytest.mark.parametrize(("change", "problem"), [("pop", "head.bias is missing"), ("add", "extra.weight is not known")])
def test_weights_of_another_network_are_refused(change: str, problem: str) -> None:
    parameters = to_parameters(random_unet())
    if change == "pop":
        del parameters["head.bias"]
    else:
        parameters["extra.weight"] = np.zeros(1, np.float32)
    with pytest.raises(SagesegError, match=problem):
        load_parameters(random_unet(), parameters, "x")

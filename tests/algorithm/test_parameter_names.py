"""Parameters under the names that mxnet's ways of saving give them."""

import numpy as np
import pytest
import torch
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.network.build import SegmentationNetwork
from jobs.algorithm.weights.load import load_parameters, named_weights, to_parameters
from jobs.algorithm.weights.parameter_names import flat_names, network_names
from jobs.contract.mxnet_params import Array, decode_params, encode_params

FLAT = {
    "fcn": {
        "resnetv1s_conv2_weight": "conv1.6.weight",
        "resnetv1s_batchnorm2_gamma": "bn1.gamma",
        "resnetv1s_layers2_conv3_weight": "layer2.1.conv1.weight",
        "resnetv1s_down1_batchnorm0_running_var": "layer1.0.downsample.1.running_var",
        "_fcnhead0_hybridsequential0_conv1_bias": "head.block.4.bias",
        "_fcnhead1_hybridsequential0_conv1_bias": "auxlayer.block.4.bias",
    },
    "psp": {
        "_pyramidpooling0_hybridsequential3_conv0_weight": "head.psp.conv4.0.weight",
        "_psphead0_conv1_weight": "head.block.4.weight",
        "_fcnhead0_hybridsequential0_conv0_weight": "auxlayer.block.0.weight",
    },
    "deeplab": {
        "_deeplabhead0_hybridsequential4_batchnorm0_beta": "head.aspp.concurent.4.gap.2.beta",
        "_deeplabhead0_hybridsequential5_conv0_weight": "head.aspp.project.0.weight",
        "_deeplabhead0_conv0_weight": "head.block.0.weight",
    },
}


class Small(nn.Module):
    """A few layers under paths of the built-in's network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2))
        self.head = nn.Module()
        self.head.block = nn.Sequential(nn.Conv2d(2, 3, 1))


def random_small() -> Small:
    network = Small()
    with torch.no_grad():
        for _, tensor in named_weights(network):
            tensor.uniform_(0.5, 1.5)
    return network


def own_names(algorithm: str) -> list[str]:
    with torch.device("meta"):
        return [name for name, _ in named_weights(SegmentationNetwork(algorithm, "resnet-50", 2))]


@pytest.mark.parametrize("algorithm", FLAT)
def test_a_flat_name_is_a_scope_and_a_layer_counted_in_it(algorithm: str) -> None:
    flat = flat_names(own_names(algorithm))
    assert {name: flat[name] for name in FLAT[algorithm]} == FLAT[algorithm]


@pytest.mark.parametrize("algorithm", FLAT)
@pytest.mark.parametrize("root", ["", "fcn0_", "evaluator0_pspnet12_"])
@pytest.mark.parametrize("norm", ["batchnorm", "syncbatchnorm"])
def test_flat_names_are_known_whatever_the_network_is_called(algorithm: str, root: str, norm: str) -> None:
    own = own_names(algorithm)
    found = {root + flat.replace("batchnorm", norm): name for flat, name in flat_names(own).items()}
    assert network_names(found, own) == found


@pytest.mark.parametrize("form", ["{}", "module.{}", "module.pretrained.{}", "arg:{}", "aux:module.{}"])
def test_weights_load_under_every_form_of_their_names(form: str) -> None:
    trained, fresh = random_small(), random_small()
    renamed = {form.format(name): values for name, values in to_parameters(trained).items()}
    load_parameters(fresh, decode_params(encode_params(renamed), "x"), "x")
    for name, values in to_parameters(trained).items():
        np.testing.assert_array_equal(to_parameters(fresh)[name], values)


def test_weights_load_under_flat_names() -> None:
    trained, fresh = random_small(), random_small()
    weights = to_parameters(trained)
    load_parameters(fresh, {f"fcn0_{flat}": weights[name] for flat, name in flat_names(weights).items()}, "x")
    np.testing.assert_array_equal(to_parameters(fresh)["head.block.0.bias"], weights["head.block.0.bias"])


def change(parameters: dict[str, Array], name: str, values: Array | None) -> dict[str, Array]:
    kept = {key: value for key, value in parameters.items() if key != name}
    return kept if values is None else {**kept, name: values}


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("head.block.0.bias", None, "parameter head.block.0.bias is missing"),
        ("layer9.bn1.gamma", np.zeros(2, np.float32), "parameter layer9.bn1.gamma is not known"),
        ("module.head.block.0.bias", np.zeros(3, np.float32), "head.block.0.bias stands twice"),
        ("head.block.0.bias", np.zeros(4, np.float32), r"head.block.0.bias has shape \(4,\), expected \(3,\)"),
        ("conv1.1.beta", np.zeros(2, np.int32), "parameter conv1.1.beta has dtype int32"),
    ],
)
def test_parameters_of_another_network_are_named_and_change_nothing(
    name: str, values: Array | None, problem: str
) -> None:
    network = random_small()
    before = to_parameters(network)
    with pytest.raises(SagesegError, match=rf"^x: .*{problem}"):
        load_parameters(network, change(to_parameters(random_small()), name, values), "x")
    for key, array in to_parameters(network).items():
        np.testing.assert_array_equal(array, before[key])


def test_half_precision_weights_load() -> None:
    network, weights = random_small(), to_parameters(random_small())
    load_parameters(network, {name: values.astype(np.float16) for name, values in weights.items()}, "x")
    np.testing.assert_allclose(to_parameters(network)["head.block.0.bias"], weights["head.block.0.bias"], rtol=1e-3)

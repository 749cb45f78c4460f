"""The fast forms of trained networks: the same scores, the same classes, and a word where they cannot be had."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from jobs.algorithm.inference import predictor as predicting
from jobs.algorithm.inference import winograd as winograds
from jobs.algorithm.inference.convolution import (
    Convolution,
    Folded,
    Make,
    OneDnnConvolution,
    WideConvolution,
    fold,
    is_wide,
)
from jobs.algorithm.inference.fast_network import make_fast
from jobs.algorithm.inference.predictor import Predictor, likeliest
from jobs.algorithm.inference.winograd import WinogradConvolution
from jobs.algorithm.machine.device import EXACT, Device, processor_has_bfloat16
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.resnet import Bottleneck
from jobs.algorithm.network.segmentation_heads import resize, resize_scores
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import named_weights, to_parameters
from jobs.contract.artefact import Artefact
from jobs.contract.hyperparameters import parse_hyperparameters
from tests.support.small_network import shrink_networks

ALGORITHMS = ("fcn", "psp", "deeplab", "unet")
CPU = torch.device("cpu")
FLOAT32, BFLOAT16 = Device(CPU), Device(CPU, torch.bfloat16)
WITH_BFLOAT16 = pytest.mark.skipif(not processor_has_bfloat16(), reason="this processor has no bfloat16 of its own")
sides = st.integers(1, 40)


def plain(folded: Folded) -> nn.Module:
    return Convolution(folded, torch.float32)


def onednn(folded: Folded) -> nn.Module:
    return OneDnnConvolution(folded, torch.float32)


def winograd(folded: Folded) -> nn.Module:
    """Wherever it can be had, whatever it saves."""
    return WideConvolution(folded, plain(folded), 0) if is_wide(folded, 1) else onednn(folded)


@pytest.fixture(scope="module", params=ALGORITHMS)
def artefact(request: pytest.FixtureRequest) -> Artefact:
    """Of a small network whose BatchNorms do something."""
    hyperparameters = parse_hyperparameters(
        {"num_classes": "3", "num_training_samples": "8", "algorithm": request.param}, "open"
    )
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        torch.manual_seed(0)
        network = build_network(hyperparameters)
    with torch.no_grad():
        for name, tensor in named_weights(network):
            if name.rpartition(".")[2] in ("gamma", "running_var"):
                tensor.uniform_(0.5, 1.5)
            elif name.rpartition(".")[2] in ("beta", "running_mean"):
                tensor.uniform_(-0.2, 0.2)
    return Artefact(as_strings(hyperparameters), to_parameters(network), "small")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


def images(count: int, height: int, width: int) -> np.typing.NDArray[np.uint8]:
    """Neither noise nor flat: blocks of colours."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, height // 8, width // 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)


def difference(found: np.typing.NDArray[np.float32], expected: np.typing.NDArray[np.float32]) -> float:
    return float(np.abs(found - expected).max())


@pytest.mark.parametrize("make", [plain, onednn, winograd])
def test_however_it_convolves_a_fast_network_gives_the_networks_scores(artefact: Artefact, make: Make) -> None:
    exact = Predictor(artefact, EXACT)
    fast = Predictor(artefact, EXACT)
    fast.network = make_fast(fast.network, make)
    for size in ((1, 64, 64), (2, 40, 104), (1, 72, 56)):
        assert difference(fast.predict(images(*size)), exact.predict(images(*size))) < 1e-4, size


def test_nothing_of_the_training_is_left(artefact: Artefact) -> None:
    fast = make_fast(Predictor(artefact, EXACT).network, plain)
    left = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Dropout, Bottleneck)
    assert [type(module).__name__ for module in fast.modules() if isinstance(module, left)] == []


@pytest.mark.parametrize("device", [FLOAT32, pytest.param(BFLOAT16, marks=WITH_BFLOAT16)], ids=["float32", "bfloat16"])
def test_the_fast_form_is_what_predicts(artefact: Artefact, device: Device, caplog: pytest.LogCaptureFixture) -> None:
    exact, fast = Predictor(artefact, EXACT), Predictor(artefact, device)
    assert caplog.messages == []
    assert f"torch.{fast.precision}" == str(device.precision)
    size = (3, 64, 96)
    tolerance = 1e-4 if device is FLOAT32 else 0.1
    assert 0 < difference(fast.predict(images(*size)), exact.predict(images(*size))) < tolerance
    differing = np.mean(fast.predict_masks(images(*size)) != exact.predict_masks(images(*size)))
    assert differing < (1e-3 if device is FLOAT32 else 0.05)


def test_float32_by_name_is_the_very_network_that_trained(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_PRECISION", "float32")
    predictor = Predictor(artefact)
    assert any(isinstance(module, nn.BatchNorm2d) for module in predictor.network.modules())
    given = images(1, 64, 64)
    np.testing.assert_array_equal(predictor.predict(given), Predictor(artefact, EXACT).predict(given))


def test_batches_at_work_share_the_cores(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    predictor = Predictor(artefact, EXACT)
    assert predictor.streams == 4
    with predictor._share_of_cores(), predictor._share_of_cores():
        with predictor._share_of_cores():
            pass
        with predictor._share_of_cores():
            pass
    with predictor._share_of_cores():
        pass
    assert asked == [6, 3, 2, 2, 6]


class Broken(nn.Module):
    def __init__(self, folded: Folded, *_: object) -> None:
        super().__init__()
        self.outputs = len(folded.weight)

    def forward(self, *_: object) -> torch.Tensor:
        raise RuntimeError("could not create a primitive\nand more")


class Wrong(Broken):
    def forward(self, *given: object) -> torch.Tensor:
        features = given[0]
        assert isinstance(features, torch.Tensor)
        return torch.zeros(len(features), self.outputs, *features.shape[2:])


@pytest.mark.parametrize(
    ("convolution", "reason"), [(Broken, "could not create a primitive"), (Wrong, "it differs by")]
)
def test_where_the_fast_form_fails_the_plain_one_predicts_and_says_so(
    convolution: type[nn.Module], reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hyperparameters = parse_hyperparameters({"num_classes": "2", "num_training_samples": "8"}, "open")
    artefact = Artefact(as_strings(hyperparameters), to_parameters(build_network(hyperparameters)), "small")
    monkeypatch.setattr(predicting, "OneDnnConvolution", convolution)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    predictor = Predictor(artefact, BFLOAT16)
    assert caplog.messages[0].startswith(f"predicting in plain float32, the slower way: {reason}")
    assert "\n" not in caplog.messages[0]
    assert predictor.precision == "float32"
    given = images(1, 32, 32)
    np.testing.assert_array_equal(predictor.predict(given), Predictor(artefact, EXACT).predict(given))


def test_winograds_products_are_checked_though_they_save_nothing_of_a_small_image(
    monkeypatch: pytest.MonkeyPatch, artefact: Artefact, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(predicting, "_WIDE", {torch.float32: (1, 1000.0)})
    monkeypatch.setattr(WinogradConvolution, "forward", Broken.forward)
    Predictor(artefact, FLOAT32)
    assert caplog.messages == ["predicting in plain float32, the slower way: could not create a primitive"]


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), sides, sides),
    st.integers(1, 4),
    st.integers(1, 9),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_winograds_products_are_the_convolution(
    shape: tuple[int, int, int, int], outputs: int, dilation: int, relu: bool, channels_last: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(shape, generator=generator)
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(outputs, shape[1], 3, 3, generator=generator), torch.randn(outputs, generator=generator)
    expected = F.conv2d(features, weight, bias, padding=dilation, dilation=dilation)
    found = WinogradConvolution(weight, bias, dilation, relu=relu)(features)
    torch.testing.assert_close(found, expected.relu() if relu else expected, rtol=1e-4, atol=1e-4)


def test_winograd_takes_many_images_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.algorithm.inference.winograd._MOST_BYTES", 1)
    features, weight, bias = torch.randn(5, 4, 9, 7), torch.randn(3, 4, 3, 3), torch.randn(3)
    found = WinogradConvolution(weight, bias, 1, relu=False)(features)
    torch.testing.assert_close(found, F.conv2d(features, weight, bias, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dilation", [1, 3])
def test_winograd_takes_a_large_image_by_rows_of_tiles(monkeypatch: pytest.MonkeyPatch, dilation: int) -> None:
    monkeypatch.setattr(winograds, "_MOST_BYTES", most := 2**17)
    monkeypatch.setattr(winograds, "_free", [])
    features, weight, bias = torch.randn(1, 4, 95, 200), torch.randn(3, 4, 3, 3), torch.randn(3)
    found = WinogradConvolution(weight, bias, dilation, relu=False)(features)
    expected = F.conv2d(features, weight, bias, padding=dilation, dilation=dilation)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    (scratch,) = winograds._free
    assert scratch._kept["transformed"].nbytes <= 1.5 * most  # rows of 64 tiles are filled up


def test_threads_that_convolve_one_after_the_other_keep_memory_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A serving program has dozens of threads, each of which may be the one that asks the network."""
    monkeypatch.setattr(winograds, "_free", [])
    convolution = WinogradConvolution(torch.randn(3, 4, 3, 3), torch.randn(3), 1, relu=True)
    features = torch.randn(1, 4, 16, 16)
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(convolution, features).result()
    assert len(winograds._free) == 1


def test_small_images_are_convolved_directly() -> None:
    """6 × 6 products for 4 × 4 outputs save nothing where a tile is mostly beyond the image."""
    folded = Folded(torch.randn(4, 4, 3, 3), torch.zeros(4), (1, 1), (4, 4), (4, 4), relu=False)
    wide = WideConvolution(folded, nn.Identity(), 2.0)
    small, large = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 64, 64)
    assert wide(small) is small
    assert wide(large) is not large


@pytest.mark.parametrize("relu", [True, False])
def test_a_shortcut_is_added_before_the_relu(relu: bool) -> None:
    folded = Folded(torch.randn(6, 4, 1, 1), torch.randn(6), (1, 1), (0, 0), (1, 1), relu)
    features, shortcut = torch.randn(2, 4, 5, 7), torch.randn(2, 6, 5, 7)
    expected = F.conv2d(features, folded.weight, folded.bias) + shortcut
    for make in (plain, onednn):
        features, given = (t.contiguous(memory_format=torch.channels_last) for t in (features, shortcut.clone()))
        torch.testing.assert_close(make(folded)(features, given), expected.relu() if relu else expected)


def test_batch_norm_is_folded_with_its_epsilon() -> None:
    convolution, norm = nn.Conv2d(3, 5, 3, bias=True), nn.BatchNorm2d(5, eps=0.5).eval()
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            assert tensor is not None
            tensor.uniform_(0.1, 2)
    features = torch.randn(1, 3, 8, 8)
    found = plain(fold(convolution, norm))(features)
    torch.testing.assert_close(found, norm(convolution(features)), rtol=1e-4, atol=1e-5)


@given(st.integers(1, 5), sides, sides)
@settings(deadline=None, max_examples=30)
def test_the_likeliest_class_is_torchs_first_of_the_highest(classes: int, height: int, width: int) -> None:
    scores = torch.randint(-2, 3, (2, classes, height, width), generator=torch.Generator().manual_seed(height)).float()
    expected = np.argmax(scores.numpy(), 1)
    np.testing.assert_array_equal(likeliest(scores).numpy(), expected)


@given(st.tuples(sides, sides), st.tuples(sides, sides))
@settings(deadline=None, max_examples=60)
def test_scores_are_resized_by_matrices_as_bilinearly(source: tuple[int, int], size: tuple[int, int]) -> None:
    """Gradients too."""
    one, two = (torch.randn(2, 3, *source, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in "ab")
    expected, found = resize(one, torch.Size(size)), resize_scores(two, torch.Size(size))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(2))
    (plainly,) = torch.autograd.grad((expected * weights).sum(), one)
    (by_matrices,) = torch.autograd.grad((found * weights).sum(), two)
    torch.testing.assert_close(by_matrices, plainly, rtol=1e-3, atol=1e-3)


def test_scores_are_resized_in_float32_whatever_the_network_computes_in() -> None:
    scores = torch.randn(1, 2, 5, 5)
    with torch.autocast("cpu", torch.bfloat16):
        found = resize_scores(scores, torch.Size((9, 9)))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, resize_scores(scores, torch.Size((9, 9))), rtol=0, atol=0)

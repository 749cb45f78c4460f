"""The figure of a network's activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from formats.errors import SagesegError
from formats.images import encode_image, read_image
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.device import EXACT
from jobs.algorithm.serving.features import Stage, _recorded, check_figure, draw_features
from jobs.algorithm.serving.layers import Layer, format_layers, recorded_layers
from jobs.contract.artefact import read_artefact
from tests.algorithm.test_export import write_artefact
from tests.support.small_network import shrink_networks

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.jpg"
    path.write_bytes(encode_image(IMAGE))
    return path


STAGES = {
    "unet": ["stem", "down 1", "down 2", "down 3", "down 4", "up 1", "up 2", "up 3", "up 4"],
    "psp": ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "head"],
}


@pytest.mark.parametrize("algorithm", STAGES)
def test_each_stage_is_a_row_of_the_figure(algorithm: str, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "figure.png"
    _, stages = draw_features(read_artefact(write_artefact(tmp_path, algorithm)), image, out)
    assert stages == len(STAGES[algorithm])
    height, width = read_image(out).shape[:2]
    assert height > 100 * len(STAGES[algorithm])
    assert width > 1000


@pytest.mark.parametrize("algorithm", STAGES)
def test_activations_are_those_of_the_image_and_nothing_stays_behind(algorithm: str, tmp_path: Path) -> None:
    predictor = Predictor(read_artefact(write_artefact(tmp_path, algorithm)), EXACT)
    with _recorded(predictor.network) as stages:
        predictor.predict_masks(IMAGE[None])
    assert [stage.name for stage in stages] == STAGES[algorithm]
    assert all(stage.activations.ndim == 3 and stage.activations.std() > 0 for stage in stages)
    predictor.predict_masks(IMAGE[None])
    assert len(stages) == len(STAGES[algorithm])


def test_the_strongest_channels_vary_most() -> None:
    activations = np.zeros((4, 2, 2), np.float32)
    activations[1, 0, 0] = 5
    activations[2] = 9  # the same everywhere tells nothing of the image
    activations[3, 0, 0] = 7
    assert Stage("x", activations).strongest(3) == [3, 1, 0]


def test_what_cannot_be_read_or_written_is_named(image: Path, tmp_path: Path) -> None:
    artefact, out = read_artefact(write_artefact(tmp_path, "unet")), tmp_path / "figure.png"
    with pytest.raises(SagesegError, match=r"figure\.gif: expected a name that ends in \.png"):
        check_figure(tmp_path / "figure.gif")
    with pytest.raises(SagesegError, match=r"--out .*nowhere/f\.png: no folder"):
        check_figure(tmp_path / "nowhere/f.png")
    with pytest.raises(SagesegError, match=r"absent\.jpg: not found"):
        draw_features(artefact, tmp_path / "absent.jpg", out)
    image.write_bytes(b"\xff\xd8nothing")
    with pytest.raises(SagesegError, match=r"image\.jpg: cannot be read as an image"):
        draw_features(artefact, image, out)
    assert not out.exists()


@pytest.mark.parametrize("algorithm", STAGES)
def test_layers_add_up_to_their_parts_and_these_to_the_network(algorithm: str, tmp_path: Path) -> None:
    artefact = read_artefact(write_artefact(tmp_path, algorithm))
    predictor = Predictor(artefact, EXACT)
    with recorded_layers(predictor.network) as layers:
        predictor.predict_masks(IMAGE[None])
        found = layers()
    parts = [layer for layer in found if layer.depth == 0]
    last = "head" if algorithm == "unet" else "auxiliary head"
    assert [part.name for part in parts] == [*STAGES[algorithm], last]
    sizes = sum(part.parameters for part in parts), sum(layer.parameters for layer in found if layer.depth)
    weights = [values for name, values in artefact.parameters.items() if "running" not in name]
    assert sizes == (sum(values.size for values in weights),) * 2
    told = {layer.name: layer.output for layer in found}
    assert told["stem"] == ((16, 32, 48) if algorithm == "unet" else predictor_stem(predictor))
    assert ("auxiliary head" in told) == (algorithm == "psp")
    assert told.get("auxiliary head") is None


def predictor_stem(predictor: Predictor) -> tuple[int, int, int]:
    """A quarter of 48 × 80, in as many channels as the last convolution of the stem has."""
    norm = predictor.network.get_submodule("bn1")
    assert isinstance(norm, nn.BatchNorm2d)
    return norm.num_features, 12, 20


def test_the_table_is_aligned_and_ends_with_the_sum() -> None:
    layers = [Layer("stem", 0, (16, 8, 12), 1760), Layer("stem.0  convolution 3 × 3", 1, (16, 8, 12), 1760)]
    lines = format_layers([*layers, Layer("auxiliary head", 0, None, 7)])
    assert {len(line) for line in lines} == {len(lines[0])}
    assert lines[1].split() == ["stem", "16", "×", "8", "×", "12", "1,760"]
    assert lines[2].startswith("  stem.0  convolution 3 × 3 ")
    assert lines[3].endswith("in training only           7")
    assert lines[4].split() == ["all", "1,767"]

"""The figure of a network's activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from formats.errors import SagesegError
from formats.images import encode_image, read_image
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.device import EXACT
from jobs.algorithm.serving.features import Stage, _recorded, draw_features
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
    assert draw_features(write_artefact(tmp_path, algorithm), image, out) == len(STAGES[algorithm])
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
    artefact, out = write_artefact(tmp_path, "unet"), tmp_path / "figure.png"
    with pytest.raises(SagesegError, match=r"figure\.gif: expected a name that ends in \.png"):
        draw_features(artefact, image, tmp_path / "figure.gif")
    with pytest.raises(SagesegError, match=r"--out .*nowhere/f\.png: no folder"):
        draw_features(artefact, image, tmp_path / "nowhere/f.png")
    with pytest.raises(SagesegError, match=r"absent\.jpg: not found"):
        draw_features(artefact, tmp_path / "absent.jpg", out)
    image.write_bytes(b"\xff\xd8nothing")
    with pytest.raises(SagesegError, match=r"image\.jpg: cannot be read as an image"):
        draw_features(artefact, image, out)
    image.write_bytes(encode_image(IMAGE))
    artefact.write_bytes(b"nothing")
    with pytest.raises(SagesegError, match=r"model\.tar\.gz: cannot be read"):
        draw_features(artefact, image, out)
    assert not out.exists()

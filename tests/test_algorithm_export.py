"""Exported models give what the network gives, at any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from formats.errors import SagesegError
from jobs.algorithm import export, resnet
from jobs.algorithm.artefact import BEST, pack_artefact, read_artefact, write_hyperparameters, write_parameters
from jobs.algorithm.export import export_artefact
from jobs.algorithm.inference import Predictor
from jobs.algorithm.networks import build_network
from jobs.algorithm.training import as_strings
from jobs.algorithm.weights import to_parameters
from jobs.hyperparameters import parse_hyperparameters


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(resnet.BLOCKS, "resnet-50", (1, 1, 1, 1))


def write_artefact(folder: Path, algorithm: str) -> Path:
    torch.manual_seed(1)
    given = {"num_classes": "3", "num_training_samples": "1", "algorithm": algorithm}
    settings = parse_hyperparameters(given, "open")
    (folder / "model").mkdir()
    write_hyperparameters(folder / "model", as_strings(settings))
    write_parameters(folder / "model" / BEST, to_parameters(build_network(settings)))
    pack_artefact(folder / "model", folder / "model.tar.gz")
    return folder / "model.tar.gz"


@pytest.mark.parametrize("algorithm", ["psp", "unet"])
def test_onnx_gives_what_the_network_gives_at_any_size(algorithm: str, tmp_path: Path) -> None:
    artefact, out = write_artefact(tmp_path, algorithm), tmp_path / "model.onnx"
    assert export_artefact(artefact, out) < 1e-4
    assert max(found.version for found in onnx.load(out).opset_import) >= 18
    predictor, session = Predictor(read_artefact(artefact)), onnxruntime.InferenceSession(out)
    for height, width in ((32, 64), (101, 37)):
        image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        (given,) = session.run(["probabilities"], {"image": image.transpose(0, 3, 1, 2).astype(np.float32)})
        np.testing.assert_allclose(given, predictor.predict(image), atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.onnx", "model.tar.gz"]


@pytest.mark.parametrize("algorithm", ["psp", "unet"])
def test_the_archive_of_torch_export_likewise(algorithm: str, tmp_path: Path) -> None:
    artefact, out = write_artefact(tmp_path, algorithm), tmp_path / "model.pt2"
    assert export_artefact(artefact, out) < 1e-4
    predictor, loaded = Predictor(read_artefact(artefact)), torch.export.load(out).module()
    for height, width in ((64, 64), (64, 101), (33, 96), (101, 57)):
        image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        given = loaded(torch.from_numpy(image.transpose(0, 3, 1, 2).astype(np.float32)))
        np.testing.assert_allclose(given.detach(), predictor.predict(image), atol=1e-4)


def test_a_model_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_difference", lambda *_: float("nan"))
    with pytest.raises(SagesegError, match=r"model\.pt2: differs from the network by nan"):
        export_artefact(write_artefact(tmp_path, "unet"), tmp_path / "model.pt2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.tar.gz"]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"model\.h5: expected a name that ends in \.onnx or \.pt2"):
        export_artefact(tmp_path / "model.tar.gz", tmp_path / "model.h5")


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 13), (30, 31), (2, 3)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_averages_are_adaptive_pooling(height: int, width: int, bins: int) -> None:
    features = torch.rand(1, 2, height, width)
    pooled = export._averages(height, bins) @ features @ export._averages(width, bins).T
    torch.testing.assert_close(pooled, F.adaptive_avg_pool2d(features, bins))

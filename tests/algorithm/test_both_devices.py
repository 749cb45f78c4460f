"""What holds on a processor and on a GPU alike, where sums are not taken in one order: training, going on with it,
predicting, serving. To the byte, a processor's are in the other files."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from formats.images import Rgb, encode_image, read_image
from jobs.algorithm.__main__ import main
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.network import segmentation_heads
from jobs.algorithm.serving.replies import invoke
from jobs.algorithm.serving.shared_batches import SharedBatches
from jobs.algorithm.training.checkpoints import NAME
from jobs.contract.artefact import LAST, Artefact
from jobs.contract.invocation import PNG
from jobs.contract.mxnet_params import decode_params
from tests.algorithm.test_checkpoints import stop_at_step
from tests.support.devices import BOTH, needs_gpu, use_device
from tests.support.opt_ml_samples import SETTINGS, load, write_root
from tests.support.small_network import shrink_networks

LEARNT = SETTINGS | {"epochs": "12", "num_training_samples": "4"}
"""Enough for unet to find the discs."""
STEADY = SETTINGS | {"optimizer": "sgd", "learning_rate": "0.01", "epochs": "3"}
"""Steps as long as their gradients: what rounding changes stays small."""


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind: str = request.param
    use_device(kind, monkeypatch)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(kind == "cuda"))  # alone, without a team
    return kind


def train(root: Path) -> None:
    assert main(["train", "--root", str(root)]) == 0


def losses(lines: str) -> list[float]:
    return [float(loss) for loss in re.findall(r"train loss: (\S+)", lines)]


def weights(root: Path) -> np.ndarray:
    arrays = decode_params((root / "model" / LAST).read_bytes(), "x")
    return np.concatenate([arrays[name].ravel() for name in sorted(arrays) if "running" not in name])


def assert_about_alike(one: np.ndarray, other: np.ndarray, start: np.ndarray) -> None:
    """That two trainings moved the weights by the same, but for a few per cent of it."""
    moved = float(np.linalg.norm(one - start))
    assert moved > 0
    assert float(np.linalg.norm(one - other)) < 0.05 * moved


@pytest.fixture(scope="module")
def trained(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """A model of the processor's, and exact."""
    with pytest.MonkeyPatch.context() as patch:
        use_device("cpu", patch)
        root = write_root(tmp_path_factory.mktemp("trained"), LEARNT)
        train(root)
    return load(root)


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Rgb:
    """Images of one size, (4, 32, 40, 3)."""
    root = write_root(tmp_path_factory.mktemp("discs"), SETTINGS)
    return np.stack([read_image(path) for path in sorted((root / "input/data/train").iterdir())])


def test_a_training_learns(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_root(tmp_path, LEARNT)
    train(root)
    lines = capsys.readouterr().out
    found = losses(lines)
    assert found[-1] < 0.7 * found[0]
    named = torch.cuda.get_device_name() if device == "cuda" else "processor cores, float32"
    assert named in next(line for line in lines.splitlines() if "training on" in line)


@pytest.mark.parametrize("algorithm", ["unet", "fcn", "psp", "deeplab"])
def test_a_stopped_training_goes_on_to_about_the_same_weights(
    algorithm: str, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink_networks(monkeypatch)
    monkeypatch.setenv("SAGESEG_PRECISION", "float32")
    given = STEADY | {"algorithm": algorithm, "use_pretrained_model": "False", "learning_rate": "0.001"}
    roots = [write_root(tmp_path / name, given) for name in ("undisturbed", "stopped", "begun")]
    for root in roots[:2]:
        (root / "checkpoints").mkdir()
    train(roots[0])
    with monkeypatch.context() as patch:
        stop_at_step(patch, 3)
        train(roots[1])
    assert (roots[1] / "checkpoints" / NAME).is_file()
    stopped = weights(roots[1])
    train(roots[1])
    assert_about_alike(weights(roots[0]), weights(roots[1]), stopped)


@needs_gpu
@pytest.mark.parametrize("algorithm", ["unet", "fcn", "psp", "deeplab"])
def test_a_gpus_training_goes_the_processors_way(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shrink_networks(monkeypatch)
    monkeypatch.setenv("SAGESEG_PRECISION", "float32")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    for name in ("HEAD_DROPOUT", "ASPP_DROPOUT"):  # there it draws other numbers
        monkeypatch.setattr(segmentation_heads, name, 0.0)
    given = STEADY | {"algorithm": algorithm, "use_pretrained_model": "False", "learning_rate": "0.001"}
    found = []
    for kind in ("cpu", "cuda"):
        with monkeypatch.context() as patch:
            use_device(kind, patch)
            train(write_root(tmp_path / kind, given))
        found.append(losses(capsys.readouterr().out))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-2)


def test_masks_are_those_of_the_exact_network(device: str, trained: Artefact, discs: Rgb) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_device("cpu", patch)
        patch.setenv("SAGESEG_PRECISION", "float32")
        exact = Predictor(trained)
        masks, probabilities = exact.predict_masks(discs), exact.predict(discs)
    predictor = Predictor(trained)
    assert masks.any()
    assert float((predictor.predict_masks(discs) != masks).mean()) < 0.01
    np.testing.assert_allclose(predictor.predict(discs), probabilities, atol=0.05)


def test_images_of_many_sizes_and_batches_of_many_lengths_follow_each_other(
    device: str, trained: Artefact, discs: Rgb
) -> None:
    predictor = Predictor(trained)
    whole = predictor.predict_masks(discs)
    for count in (1, 3, 4):
        assert float((predictor.predict_masks(discs[:count]) != whole[:count]).mean()) < 0.01
        assert predictor.predict_masks(np.ascontiguousarray(discs[:count, :17, :33])).shape == (count, 17, 33)


def test_requests_at_once_are_answered_as_one_by_one(device: str, trained: Artefact, discs: Rgb) -> None:
    predictor = SharedBatches(Predictor(trained))
    bodies = [encode_image(image) for image in discs] * 4

    def masks() -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(8) as clients:
            for _, answer in clients.map(lambda body: invoke(predictor, body, "image/jpeg", PNG), bodies):
                with Image.open(BytesIO(answer)) as image:
                    yield np.asarray(image)

    before = threading.active_count()
    for body, mask in zip(bodies, masks(), strict=True):
        with Image.open(BytesIO(invoke(predictor, body, "image/jpeg", PNG)[1])) as image:
            assert float((np.asarray(image) != mask).mean()) < 0.01
    assert threading.active_count() == before

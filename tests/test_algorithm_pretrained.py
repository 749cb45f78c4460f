"""ImageNet weights for the encoder, from a small file in the place of timm's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from opt_ml_samples import SETTINGS, load, write_root
from safetensors.torch import save_file

from formats.errors import SagesegError
from jobs.algorithm import resnet
from jobs.algorithm.__main__ import main
from jobs.algorithm.networks import SegmentationNetwork
from jobs.algorithm.pretrained import VARIABLE, load_pretrained


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One block a stage: all kinds of layers, a third of the weights."""
    monkeypatch.setitem(resnet.BLOCKS, "resnet-50", (1, 1, 1, 1))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def timm_weights() -> dict[str, torch.Tensor]:
    """What timm's file holds: the encoder's weights by the same names, and a classifier."""
    torch.manual_seed(5)
    state = SegmentationNetwork("fcn", "resnet-50", 2).state_dict()
    encoder = {name: tensor for name, tensor in state.items() if not name.startswith(("head.", "auxlayer."))}
    encoder["bn1.running_mean"] = torch.rand(128)
    return encoder | {"fc.weight": torch.rand(10, 2048), "fc.bias": torch.rand(10)}


@pytest.mark.parametrize("name", ["resnet50s.gluon_in1k.safetensors", "any.safetensors"])
def test_the_encoder_takes_the_weights_and_the_heads_stay(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = timm_weights()
    save_file(weights, tmp_path / name)
    monkeypatch.setenv(VARIABLE, str(tmp_path if name.startswith("resnet50s") else tmp_path / name))
    torch.manual_seed(0)
    network = SegmentationNetwork("fcn", "resnet-50", 2)
    before = {n: t.clone() for n, t in network.state_dict().items()}
    load_pretrained(network, "resnet-50")
    for key, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[key] if key.startswith(("head.", "auxlayer.")) else weights[key])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"layer1.0.conv1.weight": None}, "parameter layer1.0.conv1.weight is missing"),
        ({"layer9.weight": torch.rand(2)}, "parameter layer9.weight is not known"),
        ({"bn1.weight": torch.rand(3)}, r"parameter bn1.weight has shape \(3,\), expected \(128,\)"),
    ],
)
def test_weights_of_another_network_are_refused(
    change: dict[str, torch.Tensor | None], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {n: t for n, t in (timm_weights() | change).items() if t is not None}
    save_file(weights, tmp_path / "x.safetensors")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "x.safetensors"))
    with pytest.raises(SagesegError, match=reason):
        load_pretrained(SegmentationNetwork("fcn", "resnet-50", 2), "resnet-50")


def test_a_broken_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04nothing")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "x.safetensors"))
    with pytest.raises(SagesegError, match="cannot be read as safetensors"):
        load_pretrained(SegmentationNetwork("fcn", "resnet-50", 2), "resnet-50")


FCN = SETTINGS | {"algorithm": "fcn", "epochs": "1", "num_training_samples": "2", "optimizer": "sgd"}


def test_a_job_that_cannot_have_the_weights_stops_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    root = write_root(tmp_path / "root", FCN, samples=2)
    assert main(["train", "--root", str(root)]) == 1
    reason = (root / "output/failure").read_text()
    assert "timm/resnet50s.gluon_in1k cannot be had" in reason
    assert f"let {VARIABLE} name" in reason
    assert "--use-pretrained-model False" in reason
    assert not list((root / "model").iterdir())


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
def test_the_builtins_networks_train(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(timm_weights(), tmp_path / "x.safetensors")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "x.safetensors"))
    root = write_root(tmp_path / "root", FCN | {"algorithm": algorithm, "learning_rate": "0.0001"}, samples=2)
    assert main(["train", "--root", str(root)]) == 0
    assert f"starting from ImageNet weights of resnet-50: {tmp_path}/x.safetensors" in capsys.readouterr().out
    trained = load(root).parameters
    assert "auxlayer.block.0.weight" in trained
    start = timm_weights()["layer1.0.conv1.weight"].numpy()
    difference = abs(trained["layer1.0.conv1.weight"] - start).max()
    assert 0 < difference < 0.05

"""ImageNet weights for the encoder: timm's networks by golden files, its file by a small one like it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from formats.errors import SagesegError
from jobs.algorithm.__main__ import main
from jobs.algorithm.network.build import SegmentationNetwork
from jobs.algorithm.weights.pretrained import VARIABLE, find_pretrained, load_pretrained
from tests.support.golden_formulas import ENCODER_CASE, encoder_values, image_values, sampled_channels, shapes_digest
from tests.support.opt_ml_samples import SETTINGS, load, write_root
from tests.support.small_network import shrink_networks

GOLDEN = Path(__file__).parents[1] / "data/golden"
TOLERANCE = 1e-4
"""Of the range of timm's features."""


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


def timm_weights() -> dict[str, torch.Tensor]:
    """What timm's file holds: the encoder's weights by the same names, and a classifier."""
    torch.manual_seed(5)
    state = SegmentationNetwork("fcn", "resnet-50", 2).state_dict()
    encoder = {name: tensor for name, tensor in state.items() if not name.startswith(("head.", "auxlayer."))}
    encoder["bn1.running_mean"].uniform_()
    return encoder | {"fc.weight": torch.rand(10, 2048), "fc.bias": torch.rand(10)}


def as_timm_saves(encoder: nn.Module) -> dict[str, torch.Tensor]:
    """A file of timm's: the encoder's values by the formula, the counts of BatchNorm, and a classifier."""
    own = {n: t for n, t in encoder.state_dict().items() if not n.startswith(("head.", "auxlayer."))}
    shapes = {n: tuple(t.shape) for n, t in own.items()} | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}
    return {n: torch.from_numpy(encoder_values(n, s)) if s else torch.tensor(0) for n, s in shapes.items()}


@pytest.mark.parametrize("backbone", ["resnet-50", "resnet-101"])
@torch.no_grad()
def test_weights_by_timms_names_give_timms_features(
    backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with np.load(GOLDEN / f"timm-{backbone}.npz") as arrays:
        expected = dict(arrays)
    network = SegmentationNetwork("fcn", backbone, 2).eval()
    weights = as_timm_saves(network)
    assert shapes_digest({n: tuple(t.shape) for n, t in weights.items()}) == expected["shapes"]
    save_file(weights, tmp_path / "model.safetensors")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "model.safetensors"))
    load_pretrained(network, backbone)
    features = network.features(torch.from_numpy(image_values(ENCODER_CASE)))
    for stage, output in zip(("layer3", "layer4"), features, strict=True):
        lowest, highest = expected[f"{stage}-range"]
        np.testing.assert_allclose(
            sampled_channels(output.numpy()), expected[stage], rtol=0, atol=TOLERANCE * (highest - lowest)
        )


@pytest.mark.usefixtures("small_network")
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


@pytest.mark.usefixtures("small_network")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"layer1.0.conv1.weight": None}, "parameter layer1.0.conv1.weight is missing"),
        ({"layer9.weight": torch.rand(2)}, "parameter layer9.weight is not known"),
        ({"bn1.weight": torch.rand(3)}, r"parameter bn1.weight has shape \(3,\), expected \(16,\)"),
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


@pytest.mark.usefixtures("small_network")
def test_a_broken_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04nothing")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "x.safetensors"))
    with pytest.raises(SagesegError, match="cannot be read as safetensors"):
        load_pretrained(SegmentationNetwork("fcn", "resnet-50", 2), "resnet-50")


def test_the_channel_goes_before_the_variable_and_timms_name_before_the_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    channel, named = tmp_path / "pretrained", tmp_path / "named.safetensors"
    channel.mkdir()
    with pytest.raises(SagesegError, match=r"pretrained: holds neither resnet50s\.gluon_in1k\.safetensors nor model\."):
        find_pretrained("resnet-50", channel)
    for name in ("model.safetensors", "resnet50s.gluon_in1k.safetensors"):
        (channel / name).touch()
        assert find_pretrained("resnet-50", channel) == channel / name
    assert find_pretrained("resnet-101", channel) == channel / "model.safetensors"
    named.touch()
    monkeypatch.setenv(VARIABLE, str(named))
    assert find_pretrained("resnet-50", channel) == channel / "resnet50s.gluon_in1k.safetensors"
    assert find_pretrained("resnet-50") == named


REVISION = "0123456789abcdef0123456789abcdef01234567"
CONTENT = save({"bn1.weight": torch.rand(128)})
SERVED, CUT = (f"/timm/{name}.gluon_in1k/resolve/main/model.safetensors" for name in ("resnet50s", "resnet101s"))
"""What there is at the hub: the second breaks off before its first byte."""
ASKS_THE_HUB = """
from formats.errors import SagesegError
from huggingface_hub import file_download
from jobs.algorithm.weights.pretrained import find_pretrained

file_download.time.sleep = lambda _: None
for backbone in ("resnet-50", "resnet-50", "resnet-101"):
    try:
        print(find_pretrained(backbone))
    except SagesegError as e:
        print(e)
"""


@contextmanager
def hub() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that answers for files of one revision as the Hugging Face hub does, and the
    paths that were asked for."""
    fetched: list[str] = []
    described = {
        "X-Repo-Commit": REVISION,
        "ETag": f'"{hashlib.sha256(CONTENT).hexdigest()}"',
        "Content-Length": str(len(CONTENT)),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200 if self.path in (SERVED, CUT) else 404)
            for name, value in described.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            fetched.append(self.path)
            self.do_HEAD()
            self.wfile.write(CONTENT if self.path == SERVED else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fetched
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Asked:
    """What a process said that asked the hub, the files that it fetched, and its cache."""

    lines: list[str]
    fetched: list[str]
    home: Path


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The hub's client reads its environment once, so that it needs a process of its own."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("HF_", VARIABLE))}
    home = tmp_path_factory.mktemp("hub")
    with hub() as (address, fetched):
        there = {"HF_HOME": str(home), "HF_ENDPOINT": address, "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-c", ASKS_THE_HUB]
        done = subprocess.run(command, env=environment | there, capture_output=True, text=True, check=True)
    return Asked(done.stdout.splitlines(), fetched, home)


def use_cache(patch: pytest.MonkeyPatch, home: Path) -> None:
    """The hub's cache under `home`, and no hub."""
    from huggingface_hub import constants

    patch.delenv(VARIABLE, raising=False)
    patch.setattr(constants, "HF_HUB_OFFLINE", True)
    patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))


def test_the_hub_gives_the_file_once_and_its_cache_from_then_on(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = map(Path, asked.lines[:2])
    assert again == first
    assert asked.fetched.count(SERVED) == 1
    assert first.read_bytes() == CONTENT
    assert first.parent.name == REVISION
    use_cache(monkeypatch, asked.home)
    assert find_pretrained("resnet-50") == first


def test_a_download_that_breaks_off_is_refused_in_one_line(asked: Asked) -> None:
    assert CUT in asked.fetched
    (line,) = asked.lines[2:]
    assert (
        "the ImageNet weights timm/resnet101s.gluon_in1k cannot be had from the Hugging Face hub (RemoteProtoc" in line
    )


FCN = SETTINGS | {"algorithm": "fcn", "epochs": "1", "num_training_samples": "2", "optimizer": "sgd"}


@pytest.mark.usefixtures("small_network")
def test_a_job_that_cannot_have_the_weights_stops_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cache(monkeypatch, tmp_path)
    root = write_root(tmp_path / "root", FCN, samples=2)
    assert main(["train", "--root", str(root)]) == 1
    reason = (root / "output/failure").read_text()
    assert "timm/resnet50s.gluon_in1k cannot be had" in reason
    assert f"let {VARIABLE} name" in reason
    assert "--use-pretrained-model False" in reason
    assert not list((root / "model").iterdir())


@pytest.mark.usefixtures("small_network")
def test_a_job_takes_the_weights_of_its_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    root = write_root(tmp_path / "root", FCN, samples=2)
    channel = root / "input/data/pretrained"
    channel.mkdir()
    save_file(timm_weights(), channel / "model.safetensors")
    assert main(["train", "--root", str(root)]) == 0
    assert f"starting from ImageNet weights of resnet-50: {channel}/model.safetensors" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "channel", "reason"),
    [
        ({}, "train", "because use_pretrained_model is False"),  # unet's default
        ({"algorithm": "fcn"}, "model", "because channel model takes its place"),
    ],
)
def test_weights_that_would_not_be_read_stop_the_job(
    settings: dict[str, str], channel: str, reason: str, tmp_path: Path
) -> None:
    root = write_root(tmp_path, SETTINGS | settings, samples=4)
    for name in ("pretrained", channel):
        (root / "input/data" / name).mkdir(exist_ok=True)
    assert main(["train", "--root", str(root)]) == 1
    assert f"channel pretrained: would not be read, {reason}" in (root / "output/failure").read_text()


@pytest.mark.usefixtures("small_network")
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

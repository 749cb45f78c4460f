"""Exported models give what the network gives, at any size."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from jobs.algorithm.inference import predictor as predicting
from jobs.algorithm.inference.onnx_predictor import OnnxPredictor
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.device import EXACT, Device
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.segmentation_heads import PspHead
from jobs.algorithm.serving import export
from jobs.algorithm.serving.export import check_export, export_artefact
from jobs.algorithm.serving.quantise import quantise
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, Artefact, read_artefact, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.model_archive import pack_artefact
from tests.support.small_network import flatten_stages, shrink_networks

ALGORITHMS = ["fcn", "psp", "deeplab", "unet"]
HEADS = ["psp", "deeplab"]
"""Exported without the encoder's layers, each of which takes its time: fcn is exported with them."""


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_networks(monkeypatch)


@pytest.fixture
def quick_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of torch.export the model itself, for what does not depend on the archive."""

    def write(model: export.Exported, path: Path) -> export.Run:
        path.write_bytes(b"an archive")
        return lambda image: model(torch.from_numpy(image)).detach().numpy()

    monkeypatch.setattr(export, "_write_archive", write)


def write_artefact(folder: Path, algorithm: str) -> Path:
    torch.manual_seed(1)
    given = {"num_classes": "3", "num_training_samples": "1", "algorithm": algorithm}
    settings = parse_hyperparameters(given, "open")
    (folder / "model").mkdir()
    write_hyperparameters(folder / "model", as_strings(settings))
    write_parameters(folder / "model" / BEST, to_parameters(build_network(settings)))
    pack_artefact(folder / "model", folder / "model.tar.gz")
    return folder / "model.tar.gz"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_onnx_gives_what_the_network_gives_at_any_size(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if algorithm in HEADS:
        flatten_stages(monkeypatch)
    artefact, out = write_artefact(tmp_path, algorithm), tmp_path / "model.onnx"
    assert export_artefact(read_artefact(artefact), out) < 1e-4
    written = onnx.load(out)
    assert {found.domain: found.version for found in written.opset_import} == {"": 18}
    assert written.ir_version == 8  # a runtime refuses a newer one as it does a newer opset
    predictor, session = Predictor(read_artefact(artefact), EXACT), onnxruntime.InferenceSession(out)
    images = [np.random.default_rng(0).integers(0, 256, (1, *size, 3), np.uint8) for size in ((32, 64), (101, 37))]
    for image in images:
        (given,) = session.run(["probabilities"], {"image": image.transpose(0, 3, 1, 2).astype(np.float32)})
        np.testing.assert_allclose(given, predictor.predict(image), atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.onnx", "model.tar.gz"]
    assert_int8_is_near(read_artefact(artefact), out.read_bytes(), images)


def assert_int8_is_near(artefact: Artefact, model: bytes, images: list[Rgb]) -> None:
    """All convolutions but the first two and the last are of 8 bits, and probabilities stay where they were."""
    made = quantise(model, [image[0] for image in images], {})
    graph = onnx.load_from_string(made).graph
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    plain = [node for node in convolutions if node.input[1] not in makers]
    assert (len(plain), len(convolutions) > 5) == (3, True)
    plain_model, int8 = (OnnxPredictor(replace(artefact, onnx=content)) for content in (model, made))
    for image in images:
        assert np.abs(int8.predict(image) - plain_model.predict(image)).mean() < 0.02


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_archive_of_torch_export_likewise(algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if algorithm in HEADS:
        flatten_stages(monkeypatch)
    artefact, out = write_artefact(tmp_path, algorithm), tmp_path / "model.pt2"
    assert export_artefact(read_artefact(artefact), out) < 1e-4
    predictor, loaded = Predictor(read_artefact(artefact), EXACT), torch.export.load(out).module()
    for height, width in ((64, 64), (64, 101), (33, 96), (101, 57)):
        image = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
        given = loaded(torch.from_numpy(image.transpose(0, 3, 1, 2).astype(np.float32)))
        np.testing.assert_allclose(given.detach(), predictor.predict(image), atol=1e-4)


def test_the_network_stays_as_it_was(tmp_path: Path) -> None:
    predictor = Predictor(read_artefact(write_artefact(tmp_path, "psp")), EXACT)
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 64, 3), np.uint8)
    head, before = predictor.network.head, predictor.predict(image)
    assert isinstance(head, PspHead)
    pooling = head.psp
    export.Exported(predictor.network)
    assert predictor.network.head is head
    assert head.psp is pooling
    np.testing.assert_array_equal(predictor.predict(image), before)


@pytest.mark.usefixtures("quick_archives")
def test_pooling_that_differs_from_the_networks_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_averages", lambda side, bins: torch.zeros(bins, side))
    with pytest.raises(SagesegError, match=r"model\.pt2: differs from the network by 0\.\d+, over 0\.0001; nothing"):
        export_artefact(read_artefact(write_artefact(tmp_path, "psp")), tmp_path / "model.pt2")
    assert not (tmp_path / "model.pt2").exists()


@pytest.mark.usefixtures("quick_archives")
def test_an_export_computes_on_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = Device(torch.device("meta"), exact=True)  # stands for a GPU: holds no values
    monkeypatch.setattr(predicting, "choose_device", lambda **_: meta)
    artefact = write_artefact(tmp_path, "unet")
    assert next(Predictor(read_artefact(artefact)).network.parameters()).device.type == "meta"
    assert export_artefact(read_artefact(artefact), tmp_path / "model.pt2") < 1e-4


@pytest.mark.usefixtures("quick_archives")
def test_a_model_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_difference", lambda *_: float("nan"))
    with pytest.raises(SagesegError, match=r"model\.pt2: differs from the network by nan"):
        export_artefact(read_artefact(write_artefact(tmp_path, "unet")), tmp_path / "model.pt2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.tar.gz"]


def test_an_opset_is_written_as_its_runtimes_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of the format goes by the opset."""
    flatten_stages(monkeypatch)
    artefact = read_artefact(write_artefact(tmp_path, "deeplab"))
    assert export_artefact(artefact, tmp_path / "model.onnx", 21) < 1e-4
    written = onnx.load(tmp_path / "model.onnx")
    assert (written.opset_import[0].version, written.ir_version) == (21, 10)


@pytest.mark.parametrize(
    ("name", "opset", "problem"),
    [
        ("model.onnx", 17, "--opset 17: expected 18 to 25"),
        ("model.onnx", 26, "--opset 26: expected 18 to 25"),
        ("model.pt2", 18, "--opset 18: only for ONNX; leave it out"),
    ],
)
def test_an_opset_that_cannot_be_had_is_refused_first(name: str, opset: int, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=problem):
        check_export(tmp_path / name, opset)


def test_an_opset_that_the_exporter_does_not_reach_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "OPSETS", range(5, 26))
    flatten_stages(monkeypatch)
    with pytest.raises(RuntimeError, match="did not convert to opset 9"):
        export_artefact(read_artefact(write_artefact(tmp_path, "deeplab")), tmp_path / "model.onnx", 9)
    assert not (tmp_path / "model.onnx").exists()


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"model\.h5: expected a name that ends in \.onnx, \.tar\.gz or \.pt2"):
        check_export(tmp_path / "model.h5")


def test_a_folder_that_is_missing_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"--out .*nowhere/model\.pt2: no folder .*nowhere; make it first"):
        check_export(tmp_path / "nowhere/model.pt2")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_each_package_of_onnx_is_asked_for_first(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    problem = rf"model\.onnx: needs {package}, which cannot be imported .*; run pip install -e '\.\[onnx\]' in"
    with pytest.raises(SagesegError, match=problem):
        check_export(tmp_path / "model.onnx")


WITHOUT_TORCH = {
    "export m.tar.gz --out m.pt2": "jobs export: needs torch, .*'.[local]'",
    "export m.tar.gz --out m.onnx": "jobs export: needs torch, .*'.[local,onnx]'",
    "features m.tar.gz image.jpg --out f.png": "jobs features: needs torch, .*'.[local]'",
    "predict model.tar.gz images --out masks --via artefact": "--via artefact: needs torch, .*'.[local]'",
}
EACH_COMMAND = """
import sys
sys.modules["torch"] = None
from sageseg.cli import main
for command in sys.argv[1:]:
    sys.argv[1:] = ["jobs", *command.split()]
    try:
        main()
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
"""


def test_without_torch_one_line_says_what_to_install(tmp_path: Path) -> None:
    write_artefact(tmp_path, "unet")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(encode_image(np.zeros((32, 32, 3), np.uint8)))
    ran = subprocess.run(
        [sys.executable, "-c", EACH_COMMAND, *WITHOUT_TORCH],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("images are predicted")]
    assert lines[1::2] == ["1"] * len(WITHOUT_TORCH)
    for line, expected in zip(lines[::2], WITHOUT_TORCH.values(), strict=True):
        first, last = expected.split(".*")
        assert line.startswith(f"error: {first}which cannot be imported (")
        assert line.endswith(f"; run pip install -e {last} in the checkout")


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 13), (30, 31), (1, 3)])
def test_pooling_without_a_stride_is_the_stems(height: int, width: int) -> None:
    features = torch.randn(2, 3, height, width)
    assert torch.equal(export._AnySizeMaxPool()(features), F.max_pool2d(features, 3, 2, 1))


@pytest.mark.parametrize(("height", "width"), [(6, 6), (7, 13), (30, 31), (2, 3)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_averages_are_adaptive_pooling(height: int, width: int, bins: int) -> None:
    features = torch.rand(1, 2, height, width)
    pooled = export._averages(height, bins) @ features @ export._averages(width, bins).T
    torch.testing.assert_close(pooled, F.adaptive_avg_pool2d(features, bins))

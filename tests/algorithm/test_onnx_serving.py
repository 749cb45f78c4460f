"""The container's serving program with an ONNX model: the same answers, by onnxruntime, without torch."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from formats.errors import SagesegError
from formats.images import encode_image
from jobs.algorithm.inference.model import open_model
from jobs.algorithm.inference.onnx_predictor import OnnxPredictor, likeliest
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.inference.within_memory import WithinMemory
from jobs.algorithm.serving.replies import invoke
from jobs.algorithm.serving.shared_batches import SharedBatches
from jobs.contract.artefact import BEST, HYPERPARAMETERS, ONNX, Artefact, read_model_folder
from jobs.contract.invocation import PNG, PROTOBUF_TYPES
from jobs.contract.probabilities import decode_probabilities
from jobs.onnx_models import INPUT, OUTPUT, finished
from tests.support.dataset_samples import disc_image
from tests.support.onnx_samples import SETTINGS, bright_onnx
from tests.support.tiny_model import write_artefact

SERVES = """
import sys
from pathlib import Path
sys.modules["torch"] = None
import jobs.algorithm.__main__
from jobs.algorithm.serving import http_server
http_server.create_server = lambda *_, **__: sys.exit("listening")
http_server.serve_model(Path("model"))
"""


def write_folder(folder: Path, content: bytes) -> Path:
    """As a container finds an unpacked artefact."""
    folder.mkdir()
    (folder / HYPERPARAMETERS).write_text('{"num_classes": 2, "algorithm": "unet", "crop_size": 32}')
    (folder / ONNX).write_bytes(content)
    return folder


def test_it_answers_with_masks_and_with_probabilities(tmp_path: Path) -> None:
    model = SharedBatches(WithinMemory(open_model(read_model_folder(write_folder(tmp_path / "m", bright_onnx())), "")))
    image, mask = disc_image(40, 30, seed=2)
    body = encode_image(image)
    kind, answer = invoke(model, body, "image/jpeg", PNG)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer))), mask)
    kind, answer = invoke(model, body, "image/jpeg", PROTOBUF_TYPES[0])
    probabilities = decode_probabilities(answer)
    assert (kind, probabilities.shape) == (PROTOBUF_TYPES[0], (1, 2, 30, 40))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(probabilities[0].argmax(axis=0), mask)


def test_the_program_serves_it_without_torch(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", bright_onnx())
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    program = [sys.executable, "-c", SERVES]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "listening\n")


def test_parameters_come_before_a_model_that_lies_beside_them(tmp_path: Path) -> None:
    write_artefact(tmp_path / "tiny.tar.gz", 2)
    folder = tmp_path / "tiny.tar.model"
    (folder / ONNX).write_bytes(b"not looked at")
    assert isinstance(open_model(read_model_folder(folder), "serving"), Predictor)
    (folder / BEST).unlink()
    with pytest.raises(SagesegError, match="tiny.tar.model: onnxruntime does not load it"):
        open_model(read_model_folder(folder), "serving")


class Failing:
    """A session that fails in onnxruntime's words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def run(self, *_: Any) -> Any:
        raise Exception(self.words)  # noqa: TRY002 (its errors have no base of their own)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer", MemoryError),
        ("std::bad_alloc", MemoryError),
        ("[ONNXRuntimeError] : 1 : FAIL : Non-zero status code", RuntimeError),
    ],
)
def test_what_fails_is_what_serving_and_predicting_look_for(
    words: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = OnnxPredictor(Artefact(SETTINGS, {}, "sample", bright_onnx()))
    monkeypatch.setattr(model, "_session", Failing(words))
    with pytest.raises(kind):
        model.predict_masks(np.zeros((1, 8, 8, 3), np.uint8))


def averages(side: int | str) -> Artefact:
    """A model that tells of an image as a whole, in three classes, and takes images of such sides."""
    taken = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, side, side])
    given = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, 3, "y", "x"])
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", [INPUT], [OUTPUT])], "whole", [taken], [given])
    settings = {**SETTINGS, "num_classes": "3"}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return Artefact(settings, {}, "sample", finished(model, {}))


def test_what_is_no_model_of_pixels_is_refused() -> None:
    with pytest.raises(SagesegError, match="^sample: takes images of one size alone; export it again by sageseg jobs"):
        OnnxPredictor(averages(8))
    with pytest.raises(SagesegError, match=r"^sample: answers \(1, 3, 1, 1\) in place of \(1, 3, 8, 8\); export it"):
        OnnxPredictor(averages("side")).predict_masks(np.zeros((1, 8, 8, 3), np.uint8))


def test_of_equal_probabilities_the_first_class_counts() -> None:
    given = np.array([[[0.4, 0.2, 0.3]], [[0.4, 0.4, 0.3]], [[0.2, 0.4, 0.4]]], np.float32)
    assert likeliest(given).tolist() == [[0, 1, 2]]


def test_without_onnxruntime_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SagesegError, match=r"sample: needs onnxruntime, .*; run pip install -e '\.\[onnx\]' in the"):
        open_model(Artefact(SETTINGS, {}, "sample", bright_onnx()), "serving")

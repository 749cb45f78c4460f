"""ONNX models made by hand, as `jobs export` writes them, without a network in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from jobs.contract.artefact import HYPERPARAMETERS, ONNX, Artefact
from jobs.contract.model_archive import packed_files
from jobs.onnx_models import INPUT, OUTPUT, finished, metadata_of

SETTINGS = {"num_classes": "2", "algorithm": "unet", "crop_size": "32"}
ARTEFACT = Artefact(SETTINGS, {}, "sample")
_OPSET = 18
_MIDDLE, _STEEP, _FAR = 0.5, 20.0, 1e4


def bright_onnx(*, wide: bool = False, classes: int = 2, silent: bool = False) -> bytes:
    """Four convolutions by which bright pixels are class 1 and all others class 0. With `wide` a feature that nothing
    depends on is so large that 8 bits for all features leave none for the others. A `silent` one tells nothing of
    itself."""
    first = np.zeros((4, 3, 3, 3), np.float32)
    first[0, :, 1, 1] = 1 / (3 * 255)
    first[1, 0, 1, 1] = _FAR if wide else 0
    middle = np.eye(4, dtype=np.float32)[:, :, None, None]
    scores = np.zeros((classes, 4, 1, 1), np.float32)
    scores[1, 0] = _STEEP
    bias = np.zeros(classes, np.float32)
    bias[1], bias[2:] = -_STEEP * _MIDDLE, -2 * _STEEP
    weights = {"first": first, "second": middle, "middle": middle, "scores": scores, "bias": bias}
    nodes = [
        helper.make_node("Conv", [INPUT, "first"], ["features"], "features", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["positive"], "positive"),
        helper.make_node("Conv", ["positive", "second"], ["handed"], "handed"),
        helper.make_node("Conv", ["handed", "middle"], ["kept"], "kept"),
        helper.make_node("Conv", ["kept", "scores", "bias"], ["scored"], "scored"),
        helper.make_node("Softmax", ["scored"], [OUTPUT], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, classes, "height", "width"])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    settings = Artefact({**SETTINGS, "num_classes": str(classes)}, {}, "sample")
    return finished(model, {} if silent else metadata_of(settings, (), "float32"))


def write_onnx_artefact(path: Path, content: bytes | None = None) -> Path:
    """An artefact of two classes that holds an ONNX model."""
    settings = b'{"num_classes": "2", "algorithm": "unet", "crop_size": "32"}'
    path.write_bytes(packed_files([(HYPERPARAMETERS, settings), (ONNX, content or bright_onnx())]))
    return path

#!/bin/sh
# onnx 1.23.2's reference evaluator and onnxruntime 1.31.1 differ on a Resize with align_corners where a side times the
# scale is no whole number.
#
# Guessed before: what the reference evaluator computes of a Resize is what the runtime computes. Seen: of 0, 1, 2, 3, 4
# enlarged 1.5 times to seven values the runtime's last is 4, the corner, and the reference's 3.692: it steps by the 7.5
# that side and scale make, not by the 7 there are. In mode nearest, as masks are enlarged, one of the seven values is
# another. Given the size 7 in place of the scale, or a scale of 2, both agree.
# So write sizes into a model that resizes, and prove it with the runtime that will serve it.
#
# Needs Python 3.11 to 3.13, as $PYTHON or python3, and the network for the packages below; nothing stays behind.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 protobuf==7.36.2 \
    ml_dtypes==0.6.0 typing_extensions==4.16.0 flatbuffers==25.12.19 packaging==26.3
"$folder/venv/bin/python" - <<'PY'
import importlib.metadata

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROW = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)


def enlarged(mode, asked):
    """The row as the runtime enlarges it and as the reference does, by scales or to sizes."""
    inputs = ["row", "", "asked"] if asked.dtype == np.float32 else ["row", "", "", "asked"]
    node = helper.make_node("Resize", inputs, ["out"], mode=mode, coordinate_transformation_mode="align_corners")
    taken = helper.make_tensor_value_info("row", TensorProto.FLOAT, ROW.shape)
    given = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 1, 1, None])
    graph = helper.make_graph([node], "resize", [taken], [given], [numpy_helper.from_array(asked, "asked")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"row": ROW})[0], ReferenceEvaluator(model).run(None, {"row": ROW})[0]
    return tuple([round(float(value), 3) for value in output.ravel()] for output in outputs)


print("onnx", importlib.metadata.version("onnx"), "onnxruntime", importlib.metadata.version("onnxruntime"))
SMOOTH, STEPS = [0, 0.667, 1.333, 2, 2.667, 3.333, 4], [0, 1, 1, 2, 3, 3, 4]
for what, mode, asked, seen in (
    ("scale 1.5", "linear", np.array([1, 1, 1, 1.5], np.float32),
     (SMOOTH, [0, 0.615, 1.231, 1.846, 2.462, 3.077, 3.692])),
    ("scale 1.5", "nearest", np.array([1, 1, 1, 1.5], np.float32), (STEPS, [0, 1, 1, 2, 2, 3, 4])),
    ("size 7", "linear", np.array([1, 1, 1, 7]), (SMOOTH, SMOOTH)),
    ("size 7", "nearest", np.array([1, 1, 1, 7]), (STEPS, STEPS)),
    ("scale 2", "linear", np.array([1, 1, 1, 2], np.float32), None),
):
    found = enlarged(mode, asked)
    print(f"{what}, {mode}: runtime {found[0]}, reference {found[1]}")
    assert np.allclose(*found, atol=0.001) if seen is None else found == seen, f"changed: {found} instead of {seen}"
PY

#!/bin/sh
# onnx 1.23.2's version converter moves what a linear Resize or Upsample draws: by 3.5 pixels where it enlarges 8 times.
#
# Guessed before: a model that is brought from opset 9 or 10 to a later one gives the same output. Seen: at opset 10 and
# before, onnxruntime 1.31.1 takes the place of a pixel divided by the scale; from opset 11 on half_pixel is what holds
# where nothing is said, and the converter says nothing. Of scores of 4 columns, enlarged to 32, class 1 won 20 columns
# before and wins 16 after. onnx's checker passes it, and nothing is raised. In mode nearest the mask stays what it was.
# So score a converted segmentation model anew, or write coordinate_transformation_mode "asymmetric" into its nodes.
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
from onnx import TensorProto, helper, numpy_helper, version_converter

SCORES = np.zeros((1, 2, 4, 4), np.float32)
SCORES[0, 1] = [-1, -1, 1.2, 1.2]
"""Class 0 has 0 everywhere, class 1 less than that in the left half and more in the right."""


def upsampled(kind, opset, mode):
    """A model that enlarges scores 8 times and takes the likeliest class."""
    scales = numpy_helper.from_array(np.array([1, 1, 8, 8], np.float32), "scales")
    nodes = [
        helper.make_node(kind, ["scores", "scales"], ["large"], mode=mode),
        helper.make_node("ArgMax", ["large"], ["mask"], axis=1, keepdims=0),
    ]
    taken = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2, 4, 4])
    given = helper.make_tensor_value_info("mask", TensorProto.INT64, [1, 32, 32])
    graph = helper.make_graph(nodes, "head", [taken], [given], [scales])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=5)


def columns(model):
    """Columns of the mask that are class 1: the rows are alike."""
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (mask,) = session.run(None, {"scores": SCORES})
    assert (mask == mask[:, :1]).all()
    return int(mask[0, 0].sum())


print("onnx", importlib.metadata.version("onnx"), "onnxruntime", importlib.metadata.version("onnxruntime"))
for kind, opset in (("Upsample", 9), ("Resize", 10)):
    for mode, seen in (("linear", (20, 16)), ("nearest", (16, 16))):
        model = upsampled(kind, opset, mode)
        found = tuple(columns(each) for each in (model, version_converter.convert_version(model, 13)))
        print(f"{kind}, {mode}, opset {opset} -> 13: {found[0]} -> {found[1]} columns of 32")
        assert found == seen, f"changed: {found} instead of {seen}"
PY

"""An ONNX model in INT8: weights of 8 bits, a scale for each channel, and features of 8 bits, whose ranges some images
tell. Needs no torch.

Static quantisation by onnxruntime's own tools, in pairs of QuantizeLinear and DequantizeLinear, which onnxruntime makes
integer arithmetic of. The first two convolutions and the last stay float32, which takes little time: pixels and what is
next made of them cost more when they are rounded than all other layers together (docs/prediction-speed.md), and rounded
scores would be equal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.images import Rgb
from jobs.onnx_models import INPUT, OUTPUT, finished

QUANTISED = ("Conv", "Relu", "Add", "Concat", "MaxPool")
"""Kinds of layers in INT8."""
_FIRST = 2
"""Convolutions at the beginning that stay float32."""
_AT_ONCE = 8
"""Images whose ranges are kept until they are joined: a few numbers for each layer."""


def quantise(model: bytes, images: Iterable[Rgb], metadata: Mapping[str, str]) -> bytes:
    """A float32 model of `jobs export` as one in INT8, with the metadata given. The ranges of features are the least
    and the greatest values that `images`, each (H, W, 3) uint8, bring about. The same model and images give the same
    bytes.

    Weights have 7 bits, as onnxruntime advises for x86 processors without VNNI: there its sums of two products of 8
    bits would overflow, and the same file would give another mask than where it was proven.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quant_pre_process, quantize_static

    with TemporaryDirectory(prefix="sageseg-int8-") as folder, _quiet():
        plain, prepared, made = (Path(folder) / f"{name}.onnx" for name in ("plain", "prepared", "made"))
        plain.write_bytes(model)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            _Calibration(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_exact_nodes(onnx.load(prepared).graph),
            extra_options={"CalibMaxIntermediateOutputs": _AT_ONCE},
        )
        return finished(onnx.load(made), metadata)


class _Calibration:
    """Images as onnxruntime asks for them: one after the other, as the model takes them when it serves."""

    def __init__(self, images: Iterable[Rgb]) -> None:
        self._images: Iterator[Rgb] = iter(images)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        image = next(self._images, None)
        return None if image is None else {INPUT: image.transpose(2, 0, 1)[None].astype(np.float32)}


def _exact_nodes(graph: Any) -> list[str]:
    """The names of the first convolutions, and of the last on the way to the output with all nodes after it."""
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = [node.name for node in graph.node if node.op_type == "Conv"]  # nodes come after what they need
    found, waiting = dict.fromkeys(convolutions[:_FIRST]), [OUTPUT]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in found:
            continue
        found[node.name] = None
        if node.op_type != "Conv":
            waiting += node.input
    return list(found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what onnxruntime's tools tell the root logger of their own steps."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)

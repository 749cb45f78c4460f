"""Processor time and file of a network as torch predicts with it, as ONNX in float32, and as ONNX in INT8.

    python benchmarks/algorithm_int8.py [--algorithm fcn] [--side 256] [--artefact model.tar.gz] [--rounds 5]

One crop of a drawn shoot at a time, to class ids. The least processor time of `--rounds` counts, of all threads, the
peers in turns: other work on the machine strikes all of them alike. Without `--artefact` weights are random: speed does
not depend on them, what INT8 loses does, and `sageseg jobs export --int8` tells that of a trained model.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from side_by_side import fastest

from formats.console import result
from formats.images import Rgb, read_image
from jobs.algorithm.machine.torch_loading import prepare_processor

prepare_processor()

import torch  # noqa: E402
from prediction_peers import draw_shots, write_artefact  # noqa: E402

from jobs.algorithm.inference.model import Model  # noqa: E402
from jobs.algorithm.inference.onnx_predictor import OnnxPredictor  # noqa: E402
from jobs.algorithm.inference.predictor import Predictor  # noqa: E402
from jobs.algorithm.machine.device import EXACT  # noqa: E402
from jobs.algorithm.serving import export  # noqa: E402
from jobs.algorithm.serving.quantise import quantise  # noqa: E402
from jobs.contract.artefact import Artefact, read_artefact  # noqa: E402
from jobs.onnx_models import metadata_of  # noqa: E402

INT8 = "onnxruntime, INT8"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", default="fcn", choices=("unet", "fcn", "psp", "deeplab"))
    parser.add_argument("--artefact", type=Path, help="of the algorithm, instead of random weights")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shots = draw_shots(Path(folder), 4)
        path = given.artefact or write_artefact(Path(folder) / "model.tar.gz", given.algorithm, shots)
        artefact = read_artefact(path)
        crops = [_middle(read_image(shot), given.side) for shot in sorted(shots.iterdir())]
    if not given.artefact:
        export.TOLERANCE = 0.01  # random weights let rounding grow from layer to layer
    plain = export.make_onnx(artefact, path).content
    int8 = quantise(plain, crops, metadata_of(artefact, (), "int8"))
    fast = Predictor(artefact)
    models: dict[str, Model] = {
        "PyTorch, float32": Predictor(artefact, EXACT),
        f"jobs predict, {fast.precision}": fast,
        "onnxruntime, float32": OnnxPredictor(_holding(artefact, plain)),
        INT8: OnnxPredictor(_holding(artefact, int8)),
    }
    peers = {name: _predicting(model.predict_masks, crops[0]) for name, model in models.items()}
    least = fastest(peers, given.rounds)
    weights = "a trained model" if given.artefact else "random weights"
    threads = torch.get_num_threads()
    result(f"{date.today()}, {threads} threads, {given.algorithm}, {weights}, a crop of {given.side} × {given.side}")
    for name, seconds in least.items():
        result(f"  {name:<28} {1e3 * seconds:9.1f} ms of processor time  {seconds / least[INT8]:5.2f} x INT8's")
    result(f"  files: {len(plain) / 1e6:.2f} MB in float32, {len(int8) / 1e6:.2f} MB in INT8")


def _middle(image: Rgb, side: int) -> Rgb:
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _holding(artefact: Artefact, content: bytes) -> Artefact:
    return replace(artefact, parameters={}, onnx=content)


def _predicting(predict: Callable[[Rgb], object], crop: Rgb) -> Callable[[], object]:
    return lambda: predict(crop[None])


if __name__ == "__main__":
    main()

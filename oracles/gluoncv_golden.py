"""Write the golden files of GluonCV's networks and check that mxnet and we read each other's files.

    make oracles

runs this in an environment of its own, which holds what `oracles/mxnet_requirements.txt` names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import mxnet as mx
import numpy as np
from gluoncv.model_zoo import FCN, DeepLabV3, PSPNet
from mxnet.gluon.contrib.nn import SyncBatchNorm

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from jobs.algorithm.weights.parameter_names import network_names  # noqa: E402
from jobs.contract.mxnet_params import decode_params, encode_params  # noqa: E402
from tests.support.golden_formulas import (  # noqa: E402
    CASES,
    NUM_CLASSES,
    PAIRS,
    Array,
    Case,
    image_values,
    names_digest,
    parameter_values,
    sampled,
    sampled_statistics,
    shapes_digest,
)

NETWORKS = {"fcn": FCN, "psp": PSPNet, "deeplab": DeepLabV3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/golden")
    out = parser.parse_args().out
    for algorithm, backbone in PAIRS:
        golden = golden_arrays(algorithm, backbone)
        np.savez(out / f"{algorithm}-{backbone}.npz", **golden)
        sys.stderr.write(f"{algorithm} {backbone}: {', '.join(case.name for case in CASES)}\n")


def golden_arrays(algorithm: str, backbone: str) -> dict[str, np.ndarray]:
    initial = initialised(algorithm, backbone)
    shapes = {name: parameter.shape for name, parameter in initial._collect_params_with_prefix().items()}
    parameters = {name: parameter_values(name, shape) for name, shape in shapes.items()}
    golden = {
        "shapes": np.array(shapes_digest(shapes)),
        "flat-names": np.array(names_digest(checked_flat_names(initial))),
    }
    checked_flat_names(initialised(algorithm, backbone, norm_layer=SyncBatchNorm, norm_kwargs={"num_devices": 1}))
    for case in CASES:
        network = build(algorithm, backbone, case)
        load_ours(network, parameters)
        outputs = run(network, case)
        for kind, output in zip(("scores", "auxiliary"), outputs, strict=False):
            golden[f"{case.name}/{kind}"] = sampled(output)
            golden[f"{case.name}/{kind}-range"] = np.array([output.min(), output.max()], np.float32)
        if case.training:
            golden[f"{case.name}/statistics"] = sampled_statistics(statistics(network))
    return golden


def initialised(algorithm: str, backbone: str, **options: object) -> mx.gluon.HybridBlock:
    """A network after a first pass; mxnet does not know all shapes before it."""
    case = Case("initial", 64, 64)
    network = build(algorithm, backbone, case, **options)
    network.initialize()
    network(mx.nd.array(image_values(case)))
    return network


def checked_flat_names(network: mx.gluon.HybridBlock) -> dict[str, str]:
    """The network's names by those that `export` and `collect_params().save` write."""
    own = network._collect_params_with_prefix()
    flat = {parameter.name: name for name, parameter in own.items()}
    check(network_names(flat, own) == flat, "flat names")
    return {name.removeprefix(network.prefix): own_name for name, own_name in flat.items()}


def build(algorithm: str, backbone: str, case: Case, **options: object) -> mx.gluon.HybridBlock:
    """GluonCV's network for the case's size, with dropout that does nothing."""
    size = {"height": case.height, "width": case.width} if case.fixed else {}
    network = NETWORKS[algorithm](
        nclass=NUM_CLASSES, backbone=backbone.replace("-", ""), aux=True, pretrained_base=False, **size, **options
    )
    network.apply(switch_dropout_off)
    return network


def switch_dropout_off(block: mx.gluon.Block) -> None:
    if isinstance(block, mx.gluon.nn.Dropout):
        block._rate = 0


def load_ours(network: mx.gluon.HybridBlock, parameters: dict[str, Array]) -> None:
    """GluonCV's `load_parameters` takes a file of ours, and what it saves again we read alike."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.params"
        path.write_bytes(encode_params(parameters))
        network.load_parameters(str(path))
        network.save_parameters(str(path))
        saved = decode_params(path.read_bytes(), str(path))
    check(list(saved) == list(parameters), "the names or their order changed")
    for name, values in parameters.items():
        check(np.array_equal(saved[name], values), f"{name} changed")


def run(network: mx.gluon.HybridBlock, case: Case) -> list[Array]:
    """Scores and auxiliary scores. mxnet moves the running statistics in the backward pass."""
    images = mx.nd.array(image_values(case))
    if not case.fixed:
        scores = network.predict(images)
        return [(scores[0] if isinstance(scores, tuple) else scores).asnumpy()]
    if not case.training:
        return [output.asnumpy() for output in network(images)]
    with mx.autograd.record():
        outputs = network(images)
    mx.autograd.backward(list(outputs))
    return [output.asnumpy() for output in outputs]


def statistics(network: mx.gluon.HybridBlock) -> dict[str, Array]:
    parameters = network._collect_params_with_prefix()
    return {name: p.data().asnumpy() for name, p in parameters.items() if "running_" in name}


def check(holds: bool, problem: str) -> None:
    if not holds:
        raise SystemExit(f"mxnet and we do not agree: {problem}")


if __name__ == "__main__":
    main()

"""ONNX models as `jobs export` writes them: what they tell of themselves, and loading them into onnxruntime on this
machine's processor. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.limits import MOST_MODEL
from formats.parallel import available_cores
from jobs.contract.artefact import Artefact, parse_settings

INPUT, OUTPUT = "image", "probabilities"
"""float32 (1, 3, H, W), RGB in 0..255, to float32 (1, C, H, W), 0..1."""
ABOUT = "image: float32 (1, 3, H, W), RGB in 0..255, normalised within; probabilities: float32 (1, C, H, W)"
HYPERPARAMETERS, CLASSES, PRECISION = "sageseg.hyperparameters", "sageseg.classes", "sageseg.precision"
"""Names of a model's own metadata: the training's hyperparameters as a JSON object, the names of the classes by id as a
JSON list where they are known, and the type in which it convolves, `float32` or `int8`."""
_LETTERS = 200
"""Of what onnxruntime says of a model."""
_AGAIN = "export it again by sageseg jobs export"


def metadata_of(artefact: Artefact, classes: Sequence[str], precision: str) -> dict[str, str]:
    """What a model of this artefact tells of itself; `classes` is empty where nobody knows their names."""
    told = {HYPERPARAMETERS: json.dumps(artefact.hyperparameters, sort_keys=True), PRECISION: precision}
    return {**told, **({CLASSES: json.dumps(list(classes), ensure_ascii=False)} if classes else {})}


def finished(model: Any, metadata: Mapping[str, str]) -> bytes:
    """An onnx.ModelProto that tells of itself, in the lowest version of the format that its opset allows, and that
    names no operators but those it has: exporters write the newest, and all that they know, which older runtimes
    refuse."""
    from onnx.helper import find_min_ir_version_for, set_model_props

    used = {node.domain for node in model.graph.node}
    opsets = [each for each in model.opset_import if each.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.ir_version = min(model.ir_version, find_min_ir_version_for(opsets))
    model.doc_string = ABOUT
    del model.metadata_props[:]
    set_model_props(model, dict(metadata))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def read_onnx(path: Path) -> Artefact:
    """A `model.onnx` as an artefact. Raises SagesegError for a file that onnxruntime does not load, or that
    `jobs export` did not write."""
    try:
        if path.stat().st_size > MOST_MODEL:
            raise SagesegError(f"{path}: over {MOST_MODEL} bytes; expected a model.onnx that sageseg jobs export wrote")
        content = path.read_bytes()
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected a model.onnx") from e
    told = open_session(content, str(path)).get_modelmeta().custom_metadata_map
    if HYPERPARAMETERS not in told:
        raise SagesegError(f"{path}: tells no {HYPERPARAMETERS}, so sageseg jobs export did not write it; {_AGAIN}")
    settings = parse_settings(told[HYPERPARAMETERS].encode(), f"{path}: {HYPERPARAMETERS}")
    return Artefact(settings, {}, str(path), onnx=content)


def open_session(content: bytes, source: str) -> Any:
    """An onnxruntime.InferenceSession that computes on all of the processor's cores. Raises SagesegError, which begins
    with `source`, where onnxruntime is missing or refuses the model."""
    try:
        import onnxruntime
    except ImportError as e:
        raise SagesegError(
            f"{source}: needs onnxruntime, which cannot be imported ({e}); run pip install -e '.[onnx]' in the checkout"
        ) from e
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()  # by itself it counts the machine's, not those of a container
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait leave the cores alone
    options.log_severity_level = 4  # what fails is raised
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as e:  # onnxruntime's errors have no base of their own
        said = str(e).partition("\n")[0].rpartition("] : ")[2][:_LETTERS]
        raise SagesegError(f"{source}: onnxruntime does not load it ({said}); {_AGAIN}") from e


def check_model(session: Any, num_classes: int, source: str) -> None:
    """Raise SagesegError for a model whose input or output is not that of `jobs export`."""
    given = [(each.name, each.type, len(each.shape)) for each in (*session.get_inputs(), *session.get_outputs())]
    expected = [(INPUT, "tensor(float)", 4), (OUTPUT, "tensor(float)", 4)]
    if given != expected:
        raise SagesegError(f"{source}: not a model of an image to class probabilities; {_AGAIN}")
    sides = session.get_inputs()[0].shape[2:]
    if any(isinstance(side, int) for side in sides):
        raise SagesegError(f"{source}: takes images of one size alone; {_AGAIN}")
    classes = session.get_outputs()[0].shape[1]
    if isinstance(classes, int) and classes != num_classes:
        raise SagesegError(f"{source}: gives {classes} classes, but its num_classes is {num_classes}; {_AGAIN}")

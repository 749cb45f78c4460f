"""A trained network for other programs: ONNX, by itself or in an artefact, or PyTorch's own torch.export archive.

The exported model takes `image`, float32 (1, 3, H, W), RGB in 0..255, and gives `probabilities`,
float32 (1, C, H, W). Images may have any size; only a torch.export archive of unet wants sides over
32, because torch.export treats features of a single place apart.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from formats.disk.whole_files import written_beside
from formats.errors import SagesegError
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.device import EXACT
from jobs.algorithm.machine.torch_loading import need_packages
from jobs.algorithm.network.normalisation import DEVIATION, MEAN
from jobs.algorithm.network.segmentation_heads import PSP_BINS, PspHead, resize
from jobs.contract.artefact import HYPERPARAMETERS, ONNX, Artefact
from jobs.contract.model_archive import packed_files
from jobs.onnx_models import INPUT, OUTPUT, finished, metadata_of, open_session

Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Runs an exported model on an image."""
SUFFIXES = (".onnx", ".tar.gz", ".pt2")
"""An ONNX model, an artefact that holds one, and an archive of torch.export."""
TOLERANCE = 1e-4
"""Largest difference of a probability between the exported model and the network, both on the
processor: a GPU's TF32 convolutions alone differ by 1e-3."""
OPSETS = range(18, 26)
"""Of ONNX, from the one that torch's exporter writes to the newest that it converts to (onnxscript 0.7) and onnxruntime
1.31 runs. Below them ONNX's own converter (1.23) makes a deeplab that is not valid."""
_EXAMPLE, _PROOF = (72, 104), (57, 131)
"""Height and width of the image that is exported with, and of the one that proves it."""


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX model's bytes, and the largest difference of a probability that was seen between it and the network."""

    content: bytes
    difference: float


def check_export(out: Path, opset: int | None = None) -> None:
    """Raise SagesegError where no model can be written, or not in that opset."""
    if not out.name.endswith(SUFFIXES):
        raise SagesegError(f"--out {out}: expected a name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if not out.parent.is_dir():
        raise SagesegError(f"--out {out}: no folder {out.parent}; make it first")
    if is_onnx(out):
        need_packages(f"--out {out}", "onnx", "onnx", "onnxruntime", "onnxscript")
    elif opset is not None:
        raise SagesegError(f"--opset {opset}: only for ONNX; leave it out, or choose an --out that ends in .onnx")
    if opset is not None and opset not in OPSETS:
        raise SagesegError(f"--opset {opset}: expected {OPSETS[0]} to {OPSETS[-1]}")


def is_onnx(out: Path) -> bool:
    """Whether what is exported as a file of this name is ONNX."""
    return out.name.endswith(SUFFIXES[:-1])


def export_artefact(artefact: Artefact, out: Path, opset: int | None = None, classes: Sequence[str] = ()) -> float:
    """Write the model of an artefact, as the suffix says; ONNX by default in the lowest opset, with the names of the
    `classes` where they are given. Returns the largest difference of a probability that was seen. Raises SagesegError
    when it is over TOLERANCE, and nothing is left then, and as `check_export` does."""
    check_export(out, opset)
    with written_beside(out, wait=False) as beside:
        if is_onnx(out):
            model = make_onnx(artefact, out, opset, classes)
            beside.write_bytes(file_of(out, artefact, model.content))
            return model.difference
        suffixed = beside.with_name(beside.name + out.suffix)  # torch looks at the suffix
        try:
            predictor = Predictor(artefact, EXACT)
            difference = _proven(_write_archive(Exported(predictor.network).eval(), suffixed), predictor, out)
            suffixed.replace(beside)
        finally:
            suffixed.unlink(missing_ok=True)
    return difference


def make_onnx(artefact: Artefact, out: Path, opset: int | None = None, classes: Sequence[str] = ()) -> OnnxModel:
    """The model of an artefact as ONNX, for the file `out`, which is named in errors. Raises SagesegError when it
    differs from the network by more than TOLERANCE."""
    predictor = Predictor(artefact, EXACT)
    content = _onnx_of(Exported(predictor.network).eval(), metadata_of(artefact, classes, "float32"), opset)
    session = open_session(content, str(out))
    difference = _proven(lambda image: np.asarray(session.run([OUTPUT], {INPUT: image})[0]), predictor, out)
    return OnnxModel(content, difference)


def file_of(out: Path, artefact: Artefact, content: bytes, further: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """What the file `out` is to hold: the ONNX model, or an artefact with the training's hyperparameters, it, and
    `further` members."""
    if out.suffix == ".onnx":
        return content
    settings = json.dumps(artefact.hyperparameters, indent=2) + "\n"
    return packed_files([(HYPERPARAMETERS, settings.encode()), *further, (ONNX, content)])


class Exported(nn.Module):
    """A copy of a network, from pixels to probabilities."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = deepcopy(network)
        self.register_buffer("scale", 1 / (255 * torch.tensor(DEVIATION).view(1, 3, 1, 1)))
        self.register_buffer("shift", (torch.tensor(MEAN) / torch.tensor(DEVIATION)).view(1, 3, 1, 1))
        head = getattr(self.network, "head", None)
        if isinstance(head, PspHead):
            head.psp = _AnySizePooling(head.get_submodule("psp"))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor
        scores, _ = self.network(image * self.scale - self.shift)
        return scores.softmax(1)


class _AnySizePooling(nn.Module):
    """Pyramid pooling as products with matrices of averages, for ONNX has no adaptive pooling."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.convs = nn.ModuleList(getattr(plain, f"conv{i + 1}") for i in range(len(PSP_BINS)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        height, width = features.shape[-2:]
        joined = [features]
        for bins, conv in zip(PSP_BINS, self.convs, strict=True):
            pooled = _averages(height, bins) @ features @ _averages(width, bins).T
            joined.append(resize(conv(pooled), features.shape[-2:]))
        return torch.cat(joined, 1)


class _AnySizeMaxPool(nn.Module):
    """The stem's pooling of 3 × 3 places, every second of which is kept. Of the stride itself torch 2.11's
    exporter makes a guard that only every second size passes."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        pooled = F.max_pool2d(features, 3, 1, 1)
        for side in (2, 3):
            pooled = pooled.index_select(side, torch.arange(0, pooled.shape[side], 2))
        return pooled


def _averages(side: int, bins: int) -> torch.Tensor:
    """(bins, side): each row averages the places that torch's adaptive pooling gives its bin."""
    places, numbers = torch.arange(side), torch.arange(bins)[:, None]
    first, end = numbers * side // bins, ((numbers + 1) * side + bins - 1) // bins
    inside = ((places >= first) & (places < end)).float()
    return inside / (end - first)


def _onnx_of(model: Exported, metadata: Mapping[str, str], opset: int | None) -> bytes:
    opset = opset or OPSETS[0]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing, which nothing needs
    auto = torch.export.Dim.AUTO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter about its own future
        program = torch.onnx.export(
            model,
            (_example(),),
            dynamo=True,
            dynamic_shapes={INPUT: {2: auto, 3: auto}},
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=opset,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    written = program.model_proto
    if [found.version for found in written.opset_import if not found.domain] != [opset]:  # it does so without a word
        raise RuntimeError(f"torch.onnx.export did not convert to opset {opset}")
    return finished(written, metadata)


def _write_archive(model: Exported, path: Path) -> Run:
    if hasattr(model.network, "maxpool"):
        model.network.maxpool = _AnySizeMaxPool()
    auto = torch.export.Dim.AUTO
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model, (_example(),), dynamic_shapes={"image": {2: auto, 3: auto}})
        torch.export.save(program, path)
        loaded = torch.export.load(path).module()
    return lambda image: loaded(torch.from_numpy(image)).detach().numpy()


def _example() -> torch.Tensor:
    return torch.rand(1, 3, *_EXAMPLE) * 255


def _proven(run: Run, predictor: Predictor, out: Path) -> float:
    """The difference between an exported model and the network. Raises SagesegError where it is over TOLERANCE."""
    difference = _difference(run, predictor)
    if not difference <= TOLERANCE:
        raise SagesegError(f"{out}: differs from the network by {difference:g}, over {TOLERANCE:g}; nothing written")
    return difference


def _difference(run: Run, predictor: Predictor) -> float:
    """At another size than the one that was exported with."""
    image = np.random.default_rng(0).integers(0, 256, (1, *_PROOF, 3), np.uint8)
    exported = run(np.ascontiguousarray(image.transpose(0, 3, 1, 2), np.float32))
    return float(np.abs(exported - predictor.predict(image)).max())

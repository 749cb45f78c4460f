"""What is asked of a model that predicts: the network on this machine, or what stands in for it. Needs no torch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from formats.images import Rgb
from formats.masks import Mask
from jobs.contract.artefact import Artefact


class Model(Protocol):
    """Anything that turns images (N, H, W, 3) uint8 into class ids or class probabilities, for several threads."""

    @property
    def num_classes(self) -> int: ...

    @property
    def streams(self) -> int:
        """How many batches it is best given at once, each by a thread of its own."""

    @property
    def batch_pixels(self) -> int:
        """The pixels of a batch that it is best given, N × H × W; a single image may have more. It may fall."""

    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W)."""

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1."""


class LoadedModel(Model, Protocol):
    """A model that was loaded from an artefact."""

    @property
    def precision(self) -> str:
        """The type in which it convolves."""


def open_model(artefact: Artefact, doing: str) -> LoadedModel:
    """An artefact's network in torch, which is imported only then, or in onnxruntime where it holds an ONNX model.
    Raises SagesegError, which begins with `doing` or names the artefact, where that cannot be had."""
    if artefact.onnx is not None:
        from jobs.algorithm.inference.onnx_predictor import OnnxPredictor

        return OnnxPredictor(artefact)
    from jobs.algorithm.machine.torch_loading import load_torch

    load_torch(doing)
    from jobs.algorithm.inference.predictor import Predictor

    return Predictor(artefact)

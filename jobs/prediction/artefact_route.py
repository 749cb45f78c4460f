"""Predictions on this machine, with the network in torch, read ahead of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
import numpy.typing as npt

from formats.images import Rgb
from formats.manifest import ManifestRow
from formats.masks import Mask
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.output import Begun, Predicted
from jobs.tracking.trained_model import TrainedModel

_PIXELS_PER_BATCH = 4 * 512 * 512


class Model(Protocol):
    """Anything that turns images (N, H, W, 3) into class ids, or into class probabilities."""

    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W)."""

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1."""


@dataclass(frozen=True)
class ArtefactRoute:
    """The model itself on this machine."""

    trained: TrainedModel
    probabilities: bool

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        """The network is loaded; torch is imported only when there is something to load."""
        artefact = self.trained.artefact
        from jobs.algorithm.machine.torch_loading import load_torch

        load_torch("--via artefact")  # takes seconds: not for a mistyped name
        from jobs.algorithm.inference.predictor import Predictor

        model = Predictor(artefact)
        yield Begun(predict_work(model, work, probabilities=self.probabilities))


def predict_work(model: Model, work: Sequence[SourceWork], *, probabilities: bool) -> Iterator[Predicted]:
    """The predictions of all work, in order. Reading is one source ahead of the model."""
    for source, images in read_ahead(work, lambda source: source.read()):
        for batch in _batches(list(zip(source.rows, images, strict=True))):
            yield from _predict_batch(model, batch, probabilities=probabilities)


def _predict_batch(
    model: Model, batch: Sequence[tuple[ManifestRow, Rgb]], *, probabilities: bool
) -> Iterator[Predicted]:
    images = np.stack([image for _, image in batch])
    rows = [row for row, _ in batch]
    if not probabilities:
        yield from map(Predicted, rows, model.predict_masks(images))
        return
    for row, scores in zip(rows, model.predict(images), strict=True):
        yield Predicted(row, scores.argmax(axis=0).astype(np.uint8), scores)


def _batches(crops: Iterable[tuple[ManifestRow, Rgb]]) -> Iterator[list[tuple[ManifestRow, Rgb]]]:
    """Neighbours of one size, as many as keep the activations within bounds."""
    for (height, width, _), same in groupby(crops, key=lambda crop: crop[1].shape):
        step = max(1, _PIXELS_PER_BATCH // (height * width))
        waiting = list(same)
        yield from (waiting[start : start + step] for start in range(0, len(waiting), step))

"""A model without weights: what is bright is class 1. It stands in for any trained model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
import pytest

from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.predictions import ModelFacts
from jobs.prediction import predict as module
from jobs.prediction.artefact_route import predict_work
from jobs.prediction.crops_to_predict import SourceWork
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.output import Begun
from jobs.tracking.trained_model import TrainedModel
from jobs.tracking.training_data import TrainingData


class Brightness:
    """A model of two classes that fails once after so many images; `seen` are the images asked for, in batches of
    `batch_pixels`, one at a time."""

    num_classes, streams = 2, 1

    def __init__(self) -> None:
        self.precision: str | None = "float32"
        self.seen, self.fails_at, self.batch_pixels = 0, -1, 1024

    def predict(self, images: Any) -> Any:
        self.seen += len(images)
        if 0 <= self.fails_at < self.seen:
            self.fails_at = -1
            raise SagesegError("the model failed")
        bright = images.mean(axis=3, dtype=np.float32) / 255
        return np.stack([1 - bright, bright], axis=1)

    def predict_masks(self, images: Any) -> Any:
        return self.predict(images).argmax(axis=1).astype(np.uint8)


class _Way:
    def __init__(self, model: Brightness, probabilities: bool) -> None:
        self.model, self.probabilities = model, probabilities

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        with closing(predict_work(self.model, work, probabilities=self.probabilities)) as predicted:
            yield Begun(predicted, precision=self.model.precision)


def stand_in(monkeypatch: pytest.MonkeyPatch, data: TrainingData | None = None) -> Brightness:
    """In the place of any trained model; only its name tells two apart. `data` is what is told of its training."""
    brightness = Brightness()

    def find(name: str, _region: str | None) -> TrainedModel:
        classes = ClassTable(("_background_", "car"))
        request = {"HyperParameters": {"num_classes": "2"}}
        facts = ModelFacts(job=name)
        return TrainedModel(name, "local", "local", "", request=request, classes=classes, facts=facts)

    def open_way(_trained: TrainedModel, options: PredictOptions, _route: RouteOptions) -> _Way:
        return _Way(brightness, options.probabilities)

    monkeypatch.setattr(TrainedModel, "data", data or TrainingData())
    monkeypatch.setattr(module, "find_model", find)
    monkeypatch.setattr(module, "artefact_facts", lambda trained: trained.facts)
    monkeypatch.setattr(module, "_choose_route", open_way)
    return brightness

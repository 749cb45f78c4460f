"""Requests at the same time share the network: those of one size pass it as one batch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.images import Rgb
from jobs.algorithm.inference.model import Model

Predict = Callable[[Rgb], npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class _Asked:
    """One image that waits for the network, and what it is asked for."""

    image: Rgb
    predict: Predict
    answer: Future[npt.NDArray[Any]] = field(default_factory=Future)

    def is_like(self, other: _Asked) -> bool:
        """Whether the two may share a batch."""
        return self.predict == other.predict and self.image.shape == other.image.shape


class SharedBatches:
    """A model that is asked for single images by many threads at once.

    It is given at most `streams` batches at a time, and of several no more pixels than `streams` × `batch_pixels`.
    Nothing waits for a batch to fill: when the network is free, the oldest request goes at once, with its share of
    those of its size that came meanwhile. Where such a batch fails each of its images is asked for alone, so that none
    suffers from another.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._changed = Condition()
        self._waiting: list[_Asked] = []
        self._at_work: list[int] = []  # pixels of each batch

    def predict_mask(self, image: Rgb) -> npt.NDArray[np.uint8]:
        """Class ids (H, W) of an image (H, W, 3)."""
        return self._ask(image, self._model.predict_masks)

    def predict(self, image: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (C, H, W), 0..1, of an image (H, W, 3)."""
        return self._ask(image, self._model.predict)

    def _ask(self, image: Rgb, predict: Predict) -> npt.NDArray[Any]:
        asked = _Asked(image, predict)
        with self._changed:
            self._waiting.append(asked)
            self._changed.wait_for(lambda: asked not in self._waiting or self._may_begin(asked))
            batch = self._take(asked) if asked in self._waiting else []
        if batch:  # else another thread has taken it along
            self._work(batch)
        return asked.answer.result()

    def _may_begin(self, asked: _Asked) -> bool:
        """Whether it is this request's turn: it is the oldest, and the network is free for its batch."""
        model, pixels = self._model, _pixels(self._batch_of(asked))
        free = len(self._at_work) < model.streams and sum(self._at_work) + pixels <= model.streams * model.batch_pixels
        return self._waiting[0] is asked and (free or not self._at_work)

    def _batch_of(self, asked: _Asked) -> list[_Asked]:
        alike = [other for other in self._waiting if other.is_like(asked)]
        share = -(-len(alike) // self._model.streams)  # the rest is for the other streams
        return alike[: min(share, max(1, self._model.batch_pixels // _pixels([asked])))]

    def _take(self, asked: _Asked) -> list[_Asked]:
        batch = self._batch_of(asked)
        self._waiting = [other for other in self._waiting if other not in batch]
        self._at_work.append(_pixels(batch))
        self._changed.notify_all()
        return batch

    def _work(self, batch: list[_Asked]) -> None:
        try:
            if not _answer(batch):
                for asked in batch:
                    _answer([asked])
        finally:
            with self._changed:
                self._at_work.remove(_pixels(batch))
                self._changed.notify_all()


def _pixels(batch: list[_Asked]) -> int:
    height, width, _ = batch[0].image.shape
    return int(len(batch) * height * width)


def _answer(batch: list[_Asked]) -> bool:
    """Whether those who wait have got their answers; one alone gets its error, too."""
    try:
        answers = list(zip(batch, batch[0].predict(np.stack([asked.image for asked in batch])), strict=True))
    except Exception as e:  # noqa: BLE001 (it is raised where the answer is waited for)
        if len(batch) == 1:
            batch[0].answer.set_exception(e)
        return len(batch) == 1
    for asked, answer in answers:
        asked.answer.set_result(answer)
    return True

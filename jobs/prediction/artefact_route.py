"""Predictions on this machine, with the network in torch, as a pipeline.

Images are read on all cores, ahead of the network; their crops fill batches across images; the network is given as many
batches at once as it is best given; arg max and writing (`output.py`) are on all cores again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.full_batches import Batch, batch_pixels, full_batches
from jobs.prediction.output import Begun, Predicted
from jobs.prediction.stages import in_order
from jobs.tracking.trained_model import TrainedModel

_SCORES_BYTES = 2**30
"""Probabilities that are under way, as float32: of many classes they are larger than all else."""


class Model(Protocol):
    """Anything that turns images (N, H, W, 3) into class ids, or into class probabilities, from several threads."""

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
        from jobs.algorithm.inference.within_memory import WithinMemory

        model = Predictor(artefact)
        with closing(predict_work(WithinMemory(model), work, probabilities=self.probabilities)) as predicted:
            yield Begun(predicted, precision=model.precision)


def predict_work(model: Model, work: Sequence[SourceWork], *, probabilities: bool) -> Generator[Predicted]:
    """The predictions of all work: each crop once, in the order of the batches that it fills.

    Raises SagesegError for an image that cannot be read, after the predictions of all before it, and for one for which
    memory does not suffice, after those of the batches before.
    """

    def per_batch() -> int:
        return min(model.batch_pixels, under_way)

    under_way = 2 * model.streams * model.batch_pixels
    if probabilities:
        under_way = min(under_way, _SCORES_BYTES // (4 * model.num_classes))
    with (
        closing(read_ahead(work, lambda source: source.read())) as read,
        closing(full_batches(read, per_batch)) as batches,
        closing(
            in_order(
                lambda batch: _predict_batch(model, batch, probabilities=probabilities),
                batches,
                threads=model.streams,
                cost=batch_pixels,
                most=under_way,
            )
        ) as predicted,
    ):
        yield from chain.from_iterable(predicted)


def _predict_batch(model: Model, batch: Batch, *, probabilities: bool) -> list[Predicted]:
    rows, images = [row for row, _ in batch], np.stack([image for _, image in batch])
    try:
        answers = model.predict(images) if probabilities else model.predict_masks(images)
        return [Predicted(row, answer) for row, answer in zip(rows, answers, strict=True)]
    except (MemoryError, RuntimeError) as e:
        from jobs.algorithm.machine.device import is_out_of_memory

        if not is_out_of_memory(e):
            raise
        _, height, width, _ = images.shape
        raise SagesegError(
            f"{rows[0].source}: {len(rows)} × {width} × {height} pixels take more memory than there is; cut the image "
            "into smaller crops with --crop, or predict where there is more"
        ) from e

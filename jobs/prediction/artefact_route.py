"""Predictions on this machine, with the network in torch or in onnxruntime, as a pipeline.

Images are read on all cores, ahead of the network; their crops fill batches across images; the network is given as many
batches at once as it is best given; arg max and writing (`output.py`) are on all cores again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np

from formats.errors import SagesegError
from jobs.algorithm.inference.model import Model
from jobs.prediction.crops_to_predict import SourceWork, read_ahead
from jobs.prediction.full_batches import Batch, batch_pixels, full_batches
from jobs.prediction.output import Begun, Predicted
from jobs.prediction.stages import in_order
from jobs.tracking.trained_model import TrainedModel

_SCORES_BYTES = 2**30
"""Probabilities that are under way, as float32: of many classes they are larger than all else."""


@dataclass(frozen=True)
class ArtefactRoute:
    """The model itself on this machine."""

    trained: TrainedModel
    probabilities: bool

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        """The network is loaded; torch is imported only when there is something to load: not for a mistyped name."""
        artefact = self.trained.artefact
        from jobs.algorithm.inference.model import open_model
        from jobs.algorithm.inference.within_memory import WithinMemory

        model = open_model(artefact, "--via artefact")
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
        from jobs.algorithm.machine.memory_errors import is_out_of_memory

        if not is_out_of_memory(e):
            raise
        _, height, width, _ = images.shape
        raise SagesegError(
            f"{rows[0].source}: {len(rows)} × {width} × {height} pixels take more memory than there is; cut the image "
            "into smaller crops with --crop, or predict where there is more"
        ) from e

"""Predictions as they come, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.console import track
from formats.manifest import ManifestRow
from formats.masks import write_mask
from formats.parallel import available_cores
from formats.predictions import mask_path, probabilities_path, write_probabilities
from jobs.prediction.stages import in_order

_WRITTEN_BYTES = 2**28
"""Predictions that wait to be written."""


@dataclass(frozen=True)
class Predicted:
    """A crop's prediction: class ids (H, W) uint8, or class probabilities (C, H, W) float32, of which the likeliest is
    the class."""

    row: ManifestRow
    answer: npt.NDArray[Any]


@dataclass(frozen=True)
class Begun:
    """Predictions that are being made. `facts` is what predictions.json says of what runs the
    model; `precision` is the type in which it computes, None where nobody tells."""

    predicted: Iterator[Predicted]
    facts: Callable[[], Mapping[str, Any]] = dict
    precision: str | None = None


def write_all(root: Path, predicted: Iterable[Predicted], total: int) -> None:
    """Write predictions into a folder as they come, on all cores, behind what predicts. What came before an error is
    written before it is raised."""
    writing = in_order(
        lambda one: _write(root, one),
        track(predicted, total, "predict"),
        threads=available_cores(),
        cost=lambda one: one.answer.nbytes,
        most=_WRITTEN_BYTES,
    )
    with closing(writing):
        for _ in writing:
            pass


def _write(root: Path, predicted: Predicted) -> None:
    """The mask last: it says that the prediction is there."""
    answer, mask = predicted.answer, mask_path(root, predicted.row.id)
    if answer.ndim == 3:
        path = probabilities_path(root, predicted.row.id)
        path.parent.mkdir(exist_ok=True)
        write_probabilities(path, answer)
        answer = answer.argmax(axis=0)
    write_mask(mask, answer.astype(np.uint8, copy=False))

"""Predictions as they come, and how they are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.console import track
from formats.manifest import ManifestRow
from formats.masks import Mask, write_mask
from formats.predictions import mask_path, probabilities_path, write_probabilities

_BEHIND = 8
"""Predictions that wait to be written: memory holds a few."""


@dataclass(frozen=True)
class Predicted:
    """A crop's prediction: class ids (H, W), and probabilities (C, H, W) where they are kept."""

    row: ManifestRow
    mask: Mask
    probabilities: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Begun:
    """Predictions that are being made, in order. `facts`, asked for when all are made, is what
    predictions.json says of what ran the model."""

    predicted: Iterator[Predicted]
    facts: Callable[[], Mapping[str, Any]] = dict


def write_all(root: Path, predicted: Iterable[Predicted], total: int) -> None:
    """Write predictions into a folder as they come, the mask last. Writing is behind what predicts, so
    that it need not wait."""
    with ThreadPoolExecutor(4) as pool:
        writing: deque[Future[None]] = deque()
        for one in track(predicted, total, "predict"):
            writing.append(pool.submit(_write, root, one))
            if len(writing) > _BEHIND:
                writing.popleft().result()
        for future in writing:
            future.result()


def _write(root: Path, predicted: Predicted) -> None:
    if predicted.probabilities is not None:
        path = probabilities_path(root, predicted.row.id)
        path.parent.mkdir(exist_ok=True)
        write_probabilities(path, predicted.probabilities)
    write_mask(mask_path(root, predicted.row.id), predicted.mask)

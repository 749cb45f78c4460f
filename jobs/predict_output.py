"""The predictions folder, filled from whatever way the predictions come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.classes import ClassTable
from formats.console import track
from formats.manifest import ManifestRow
from formats.masks import Mask, write_mask
from formats.predictions import mask_path, probabilities_path, write_predictions_index, write_probabilities

_BEHIND = 8
"""Predictions that wait to be written: memory holds a few."""


@dataclass(frozen=True)
class Predicted:
    """A crop's prediction: class ids (H, W), and probabilities (C, H, W) where they are kept."""

    row: ManifestRow
    mask: Mask
    probabilities: npt.NDArray[np.float32] | None = None


def fill_folder(
    root: Path,
    predicted: Iterable[Predicted],
    total: int,
    *,
    classes: ClassTable | None,
    info: Callable[[], dict[str, Any]],
) -> int:
    """Write predictions and what goes with them into a new folder. Returns their number.

    Writing is behind what predicts, so that it need not wait; `info` is asked for at the end.
    """
    rows: list[ManifestRow] = []
    with ThreadPoolExecutor(4) as pool:
        (root / "masks").mkdir()
        writing: deque[Future[None]] = deque()
        for one in track(predicted, total, "predict"):
            writing.append(pool.submit(_write, root, one))
            rows.append(replace(one.row, image_sha256="", mask_sha256=""))
            if len(writing) > _BEHIND:
                writing.popleft().result()
        for future in writing:
            future.result()
        write_predictions_index(root, rows, classes, info())
    return len(rows)


def _write(root: Path, predicted: Predicted) -> None:
    write_mask(mask_path(root, predicted.row.id), predicted.mask)
    if predicted.probabilities is not None:
        path = probabilities_path(root, predicted.row.id)
        path.parent.mkdir(exist_ok=True)
        write_probabilities(path, predicted.probabilities)

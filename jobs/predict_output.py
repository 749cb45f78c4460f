"""The predictions folder, filled from whatever way the predictions come, and gone on with where it was
interrupted."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.console import say, track
from formats.manifest import ManifestRow
from formats.masks import Mask, write_mask
from formats.predictions import mask_path, probabilities_path, write_probabilities
from formats.staging import replace_folder, write_errors, write_text

_BEHIND = 8
"""Predictions that wait to be written: memory holds a few."""
_HEADER = "begun.json"
"""What the predictions in a half-made folder are of."""


@dataclass(frozen=True)
class Predicted:
    """A crop's prediction: class ids (H, W), and probabilities (C, H, W) where they are kept."""

    row: ManifestRow
    mask: Mask
    probabilities: npt.NDArray[np.float32] | None = None


@contextmanager
def resumable_predictions(out: Path, header: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to fill with predictions, which takes the place of `out` when the block ends well.

    When it does not, or the process dies, the folder stays as `<out>.partial` if it holds any
    prediction, and is taken up again by a call with an equal `header`; another header starts afresh.
    """
    stage, text = out.with_name(out.name + ".partial"), json.dumps(header, sort_keys=True)
    _continue_or_begin(stage, text)
    try:
        yield stage
        (stage / _HEADER).unlink()
    except BaseException:
        if done := _count(stage):
            say(f"{stage}: predictions done: {done}; the same command goes on from there")
        else:
            shutil.rmtree(stage, ignore_errors=True)
        raise
    replace_folder(stage, out)


def _continue_or_begin(stage: Path, header: str) -> None:
    path = stage / _HEADER
    if path.is_file() and path.read_text(encoding="utf-8") == header:
        say(f"{stage}: goes on where it stopped; predictions done: {_count(stage)}")
        for half in stage.glob("*/*.partial"):  # of a process that was killed while it wrote
            half.unlink()
        return
    if stage.exists():
        say(f"{stage}: left by another model, other images or options; started afresh")
        shutil.rmtree(stage)
    with write_errors(stage):
        (stage / "masks").mkdir(parents=True)
    write_text(path, header)


def _count(stage: Path) -> int:
    return sum(1 for _ in (stage / "masks").glob("*.png"))


def is_predicted(root: Path, row: ManifestRow) -> bool:
    """Whether a crop's prediction is there; its mask is written last."""
    return mask_path(root, row.id).is_file()


def write_all(root: Path, predicted: Iterable[Predicted], total: int) -> None:
    """Write predictions into a folder as they come. Writing is behind what predicts, so that it need
    not wait."""
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

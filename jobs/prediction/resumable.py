"""A predictions folder in the making: what an interrupted call did is kept beside it, source by source."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from formats.console import say
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.predictions import mask_path
from formats.staging import lock_file, replace_folder, write_errors, write_text
from jobs.prediction.crops_to_predict import SourceWork, source_state

_BEGUN = "begun.json"
"""What the predictions in a half-made folder are of: a header, and the state of each source."""
_PRECISION = "precision.json"
"""In which precision they were made: only the model tells, once it is loaded."""


@contextmanager
def resumable_predictions(out: Path, header: Mapping[str, Any], work: Sequence[SourceWork]) -> Iterator[Path]:
    """A folder to fill with predictions, which takes the place of `out` when the block ends well.

    When it does not, or the process dies, the folder stays as `<out>.partial` if it holds any
    prediction. A call with an equal `header` takes it up again, without the predictions of sources
    that have changed meanwhile; another header starts afresh. Raises SagesegError when `<out>.partial`
    is something else, or is being written.
    """
    stage = out.with_name(out.name + ".partial")
    with _open_locked(stage) as begun:
        try:
            _take_up(stage, begun, header, work)
            yield stage
        except BaseException:
            if done := _count(stage):
                say(f"{stage}: predictions done: {done}; the same command goes on from there")
            else:
                shutil.rmtree(stage, ignore_errors=True)
            raise
        replace_folder(stage, out)
        (out / _PRECISION).unlink(missing_ok=True)
        (out / _BEGUN).unlink()  # last: a folder that is complete but for its name is not begun anew


def is_predicted(stage: Path, row: ManifestRow) -> bool:
    """Whether a crop's prediction is there."""
    return mask_path(stage, row.id).is_file()


def keep_precision(stage: Path, precision: str | None) -> None:
    """Note in which precision the predictions are made from here on, where anybody tells. Raises SagesegError where
    those that are there were made in another."""
    before = kept_precision(stage).get("precision")
    if before not in (None, precision) and _count(stage):
        raise SagesegError(
            f"{stage}: holds predictions in {before}, and this machine would go on in {precision}; set "
            f"SAGESEG_PRECISION={before}, or remove the folder to start afresh"
        )
    if precision is None:
        (stage / _PRECISION).unlink(missing_ok=True)
    else:
        write_text(stage / _PRECISION, json.dumps({"precision": precision}))


def kept_precision(stage: Path) -> dict[str, str]:
    """The precision as predictions.json tells it; empty where nobody told it."""
    path = stage / _PRECISION
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _open_locked(stage: Path) -> IO[bytes]:
    path = stage / _BEGUN
    if stage.is_symlink() or (stage.exists() and not path.is_file() and not _is_empty(stage)):
        raise SagesegError(f"{stage}: is there and is no interrupted prediction; move it away or choose another --out")
    with write_errors(stage):
        stage.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    lock_file(file, stage)
    return file


def _is_empty(stage: Path) -> bool:
    return stage.is_dir() and not any(stage.iterdir())


def _take_up(stage: Path, begun: IO[bytes], header: Mapping[str, Any], work: Sequence[SourceWork]) -> None:
    """Remove what is not of this header and these sources, and write down what will be."""
    now = {"header": header, "states": {source.name: source_state(source) for source in work}}
    text = json.dumps(now)
    begun.seek(0)
    before = _parsed(begun.read())
    kept = _unchanged(before, json.loads(text), work)
    left = _count(stage)
    _clear(stage, kept)
    with write_errors(stage):
        begun.truncate(0)
        begun.write(text.encode())
        begun.flush()
        (stage / "masks").mkdir(exist_ok=True)
    if done := _count(stage):
        say(f"{stage}: goes on where it stopped; predictions done: {done}")
    elif before and left:
        say(f"{stage}: left by another model, other images or options; started afresh")


def _parsed(content: bytes) -> dict[str, Any]:
    """Empty for what is new, or was cut off in the writing."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _unchanged(before: Mapping[str, Any], now: Mapping[str, Any], work: Sequence[SourceWork]) -> set[str]:
    """The ids of the crops whose predictions still hold."""
    if before.get("header") != now["header"]:
        return set()
    old, new = before["states"], now["states"]
    return {row.id for source in work if old.get(source.name) == new[source.name] for row in source.rows}


def _clear(stage: Path, kept: set[str]) -> None:
    """Leave only whole files of these crops; a kill or a power cut may leave others."""
    for path in [*stage.glob("masks/*"), *stage.glob("probabilities/*")]:
        if path.stem not in kept or path.suffix == ".partial" or not path.stat().st_size:
            path.unlink()


def _count(stage: Path) -> int:
    return sum(1 for _ in stage.glob("masks/*.png"))

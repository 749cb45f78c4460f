"""A predictions folder in the making: what an interrupted call did is kept beside its place, source by source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from formats.console import say
from formats.disk.whole_files import write_errors, write_text
from formats.disk.whole_folders import Stage, open_stage
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.predictions import mask_path
from jobs.prediction.crops_to_predict import SourceWork, source_state

_MADE = "made.json"
"""What is known of the predictions in a half-made folder only once the model is loaded, or has run: in which precision
they were made, and what predictions.json tells of what ran the model."""
_ENDS = {".png": b"IEND\xaeB`\x82", ".npz": b"PK\x05\x06"}
"""What stands near the end of each file that is whole: PNG's last chunk (w3.org/TR/png-3), zip's last record
(APPNOTE.TXT 4.3.16)."""
_TAIL = 22


@contextmanager
def resumable_predictions(
    out: Path, header: Mapping[str, Any], work: Sequence[SourceWork], *, overwrite: bool
) -> Iterator[Stage]:
    """A folder to fill with predictions, which takes the place of `out` when the block ends well.

    When it does not, or the process dies, it stays beside `out` (`formats.disk.whole_folders`) if it holds any
    prediction. A call with an equal `header` takes it up again, without the predictions of sources
    that have changed meanwhile; another header starts afresh. Raises SagesegError when `out` holds something
    (unless `overwrite`), or is being written.
    """
    with open_stage(out, overwrite=overwrite) as stage:
        try:
            _take_up(stage, header, work)
            yield stage
            stage.finish(durable=True)
        except BaseException:
            done = _count(stage.content) if stage.begun() is not None else 0
            if done:
                say(f"{stage.folder}: predictions done: {done}; the same command goes on from there")
            else:
                stage.remove()
            raise


def is_predicted(root: Path, row: ManifestRow) -> bool:
    """Whether a crop's prediction is there."""
    return mask_path(root, row.id).is_file()


def keep_made(stage: Stage, precision: str | None, ran: Mapping[str, Any]) -> None:
    """Note in which precision the predictions are made from here on, where anybody tells, and what runs the model.
    Raises SagesegError where those that are there were made in another."""
    before = kept_made(stage).get("precision")
    if before not in (None, precision) and _count(stage.content):
        raise SagesegError(
            f"{stage.folder}: holds predictions in {before}, and this machine would go on in {precision}; set "
            f"SAGESEG_PRECISION={before}, or remove the folder to start afresh"
        )
    told = {} if precision is None else {"precision": precision}
    write_text(stage.folder / _MADE, json.dumps([told, ran]), durable=True)


def kept_made(stage: Stage) -> dict[str, Any]:
    """The precision as predictions.json tells it, and what ran the model; empty where nobody told it."""
    path = stage.folder / _MADE
    if not path.exists():
        return {}
    precision, ran = json.loads(path.read_text(encoding="utf-8"))
    return {**precision, **ran}


def _take_up(stage: Stage, header: Mapping[str, Any], work: Sequence[SourceWork]) -> None:
    """Remove what is not of this header and these sources, and write down what will be."""
    # as JSON gives the header back; states are texts, of which there are as many as images
    now = {"header": json.loads(json.dumps(header)), "states": {one.name: source_state(one) for one in work}}
    before = stage.begun()
    if before is None or before["header"] != now["header"]:
        stage.empty(quietly=not _count(stage.content))
    elif left := _count(stage.content):
        _clear(stage.content, _unchanged(before["states"], now["states"], work))
        if done := _count(stage.content):
            say(f"{stage.folder}: goes on where it stopped; predictions done: {done}")
        else:
            say(f"{stage.folder}: of {left} predictions none is of these images as they are now; started afresh")
    stage.begin(now)
    with write_errors(stage.folder):
        (stage.content / "masks").mkdir(exist_ok=True)


def _unchanged(before: Mapping[str, Any], now: Mapping[str, Any], work: Sequence[SourceWork]) -> set[str]:
    """The ids of the crops whose predictions still hold."""
    return {row.id for source in work if before.get(source.name) == now[source.name] for row in source.rows}


def _clear(root: Path, kept: set[str]) -> None:
    """Leave only whole files of these crops; a kill or a power cut may leave others."""
    for path in [*root.glob("masks/*"), *root.glob("probabilities/*")]:
        if path.stem not in kept or not _is_whole(path):
            path.unlink()


def _is_whole(path: Path) -> bool:
    """Whether a file's end is written: a power cut may leave it cut off, or zeros in its place."""
    end = _ENDS.get(path.suffix)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return end is not None and end in file.read()


def _count(root: Path) -> int:
    return sum(1 for _ in root.glob("masks/*.png"))

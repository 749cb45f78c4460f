"""A batch transform's answers, read many at a time; and a folder of them as predictions of a dataset."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from formats.dataset import Dataset
from formats.disk.whole_folders import staged_folder
from formats.manifest import ManifestRow
from formats.predictions import write_predictions_tables
from formats.prepared.georeference import read_georeference, write_georeference
from jobs.contract.invocation import Expected, decode_mask, decode_scores
from jobs.endpoints.stores import FolderStore
from jobs.prediction.batch_folder import THREADS, BatchFolder
from jobs.prediction.crops_to_predict import check_split
from jobs.prediction.output import Predicted, write_all
from jobs.prediction.prepared_alike import told_of
from jobs.prediction.stages import in_order

_FETCHED_BYTES = 2**28
"""Answers, decoded, that wait for their turn."""


def predictions_of(
    folder: BatchFolder, awaited: Sequence[tuple[ManifestRow, Expected]], *, probabilities: bool
) -> Generator[Predicted]:
    """The transform's answers, fetched and decoded many at a time."""

    def fetch(one: tuple[ManifestRow, Expected]) -> Predicted:
        row, expected = one
        body = folder.answer(row.id)
        return Predicted(row, decode_scores(body, expected) if probabilities else decode_mask(body, expected))

    def size(one: tuple[ManifestRow, Expected]) -> int:
        _, expected = one
        return expected.width * expected.height * (4 * expected.num_classes if probabilities else 1)

    return in_order(fetch, awaited, threads=THREADS, cost=size, most=_FETCHED_BYTES)


def gather_answers(dataset: Dataset, split: str, answers: Path, out: Path, *, probabilities: bool) -> int:
    """Make predictions of the answers `<id>.jpg.out` to a dataset's images of a split, which lie in a folder; their
    number. Raises SagesegError for one that is missing or fits no image."""
    check_split(dataset, split, None)
    folder = BatchFolder("", FolderStore(answers), answers="")
    rows = [replace(row, image_sha256="", mask_sha256="", truth_sha256="") for row in dataset.kept(split)]
    awaited = [(row, Expected(row.width, row.height, len(dataset.classes), row.id)) for row in rows]
    with staged_folder(out) as stage:
        with closing(predictions_of(folder, awaited, probabilities=probabilities)) as predicted:
            write_all(stage, predicted, len(rows))
        georeference = read_georeference(dataset.root)
        if georeference:
            write_georeference(stage, georeference)
        about = {"via": "batch", "predicted": dataset.root.name, "split": split, **told_of(dataset)}
        write_predictions_tables(stage, rows, dataset.classes, about)
    return len(rows)

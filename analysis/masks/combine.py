"""Several models' predictions of the same crops made into one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.masks.blend import likeliest
from analysis.masks.pieces import Piece
from analysis.masks.reading import read_crop_mask, read_crop_probabilities
from analysis.options import Rule
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import Mask, write_mask
from formats.parallel import map_all
from formats.predictions import (
    Predictions,
    Probabilities,
    info_path,
    mask_path,
    need_classes,
    probabilities_path,
    write_predictions_tables,
    write_probabilities,
)
from formats.prepared.georeference import read_georeference, write_georeference
from formats.prepared.preparation import NONE

_OF_THE_IMAGES = ("resize", "range", "label_map")
"""What predictions.json tells of the images and of the masks that the model was trained by."""


def combine(
    predictions: Sequence[Predictions],
    out: Path,
    *,
    by: Rule = Rule.MEAN,
    overwrite: bool = False,
    workers: int | None = None,
) -> int:
    """Write the folder `out`: predictions of the same crops as all of `predictions`. Returns how many.

    MEAN takes the mean of the probabilities, which are written too, and each pixel's likeliest class,
    the lowest id of equal ones. MAJORITY takes the class with the most votes; of classes with equally
    many, the one that the predictions named first vote for. Raises SagesegError where the predictions
    are of different crops or classes, or lack what is combined.
    """
    first = _check_alike(predictions)
    num_classes = len(first.classes) if first.classes else 0
    rows = first.predicted()
    _check_files(predictions, rows, by)
    roots = [each.root for each in predictions]
    with staged_folder(out, overwrite=overwrite) as stage:
        (stage / "masks").mkdir()
        if by is Rule.MEAN:
            (stage / "probabilities").mkdir()
        work = partial(_combine_mean if by is Rule.MEAN else _combine_majority, roots, stage, num_classes)
        for _ in map_all(work, rows, workers=workers, label="combining"):
            pass
        info = {"combined": {"by": by, "predictions": [each.info for each in predictions]}}
        info |= {name: first.info[name] for name in _OF_THE_IMAGES if first.info.get(name)}
        # what one of them did not predict is not predicted, though the others did
        every = {row.id: row for each in reversed(predictions) for row in each.rows}
        georeference = read_georeference(first.root)
        if georeference:
            write_georeference(stage, georeference)
        write_predictions_tables(stage, every.values(), first.classes, info)
    return len(rows)


def _check_alike(predictions: Sequence[Predictions]) -> Predictions:
    if len(predictions) < 2:
        raise SagesegError(f"{len(predictions)} predictions folder; name two or more to combine")
    first = predictions[0]
    need_classes(first, "combining")
    if not first.rows:
        raise SagesegError(f"{first.root}: no predictions in its manifest.csv; predict at least one image")
    for other in predictions[1:]:
        if other.classes != first.classes:
            raise SagesegError(
                f"{other.root / 'labels.txt'}: classes differ from those of {first.root}; combine what has the same"
            )
        _check_same_images(first, other)
        differing = _places(first) ^ _places(other)
        if differing:
            name = min(differing)[0]
            raise SagesegError(
                f"{name}: {first.root} and {other.root} do not both have this crop at one place;"
                " predict the same images with the same crops, or stitch both first"
            )
    return first


def _check_same_images(first: Predictions, other: Predictions) -> None:
    for name in _OF_THE_IMAGES:
        told, expected = (each.info.get(name, NONE) for each in (other, first))
        if told != expected:
            raise SagesegError(
                f"{info_path(other.root)}: {name} is {told}, that of {first.root} is {expected}; combine models that"
                " saw images and masks alike"
            )


def _places(predictions: Predictions) -> set[tuple[str, int, int, int, int]]:
    kept = (row for row in predictions.rows if row.kept)
    return {(row.id, row.x, row.y, row.width, row.height) for row in chain(kept, predictions.predicted())}


def _check_files(predictions: Sequence[Predictions], rows: Sequence[ManifestRow], by: Rule) -> None:
    for each in predictions:
        path_of = each.probabilities_path if by is Rule.MEAN else each.mask_path
        missing = [path_of(row.id) for row in rows if not path_of(row.id).is_file()]
        if missing:
            mend = "predict with --probabilities, or combine --by majority" if by is Rule.MEAN else "predict again"
            raise SagesegError(f"{missing[0]}: not found ({len(missing)} of {len(rows)} are missing); {mend}")


def _piece(row: ManifestRow) -> Piece:
    return Piece(row.id, row.box, row.box)


def _combine_mean(roots: Sequence[Path], stage: Path, num_classes: int, row: ManifestRow) -> None:
    parts = [read_crop_probabilities(root, num_classes, _piece(row)) for root in roots]
    mean = mean_probabilities(parts).astype(np.float16)  # what is written decides, for whoever reads it again
    write_probabilities(probabilities_path(stage, row.id), mean)
    write_mask(mask_path(stage, row.id), likeliest(mean))


def mean_probabilities(parts: Sequence[Probabilities]) -> npt.NDArray[np.float32]:
    """The mean of probabilities of one shape (C, h, w), float32."""
    total = parts[0].astype(np.float32)
    for part in parts[1:]:
        total += part
    return total / np.float32(len(parts))


def _combine_majority(roots: Sequence[Path], stage: Path, num_classes: int, row: ManifestRow) -> None:
    votes = [read_crop_mask(root, num_classes, _piece(row)) for root in roots]
    write_mask(mask_path(stage, row.id), majority(votes))


def majority(votes: Sequence[Mask]) -> Mask:
    """The class that most masks of one shape have at each pixel; of equally many the one voted for by
    the mask that comes first."""
    stacked = np.stack(votes)
    support = np.stack([(stacked == vote).sum(axis=0, dtype=np.uint8) for vote in votes])
    # argmax takes the first of equal ones, so the earliest mask among the best supported
    best = support.argmax(axis=0)
    return np.asarray(np.take_along_axis(stacked, best[None], axis=0)[0], np.uint8)

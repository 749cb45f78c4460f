"""The seam audit: how wrong predictions are by the distance to their crop's edge, and the overlap of
crops that would keep the wrong rim out of the stitched masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from analysis.masks.pieces import Piece
from analysis.masks.reading import read_crop_mask, read_true_crop
from analysis.masks.sources import Size, Source, plan_sources
from formats.arrays import Floats, Ints
from formats.classes import IGNORE
from formats.dataset import Dataset
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.predictions import Predictions
from formats.texts.json_text import format_json

BIN = 8
"""Pixels of distance that are told together."""
BINS = 64
"""The last one takes all that lies farther."""
EXCESS = 1.1
"""A rim is worse where its error rate is above this many times the inner part's."""


@dataclass(frozen=True)
class Seams:
    """Errors by distance: `pixels` and `errors`, int64 of shape (BINS,), count what lies at least
    i × BIN and less than (i + 1) × BIN pixels from the nearest inner edge.

    `inner_rate` is the error rate of the inner part, a quarter of the crop's shorter side or more from
    an edge, nan where there is none; `rim` is the width in pixels of the unbroken worse part along the
    edge, and `overlap` what mends it: neighbours meet halfway, so twice the rim. `present_overlap` is
    the least that neighbouring crops have.
    """

    pixels: Ints
    errors: Ints
    inner_rate: float
    rim: int
    present_overlap: int

    @property
    def overlap(self) -> int:
        return 2 * self.rim

    def sentence(self) -> str:
        """The finding for a person."""
        if np.isnan(self.inner_rate):
            return "seams: the crops are too small to tell their edges from their inner part"
        if not self.rim:
            return f"seams: {self.inner_rate:.2%} wrong inside crops, and no more at their edges"
        bins = self.rim // BIN
        rim_rate = self.errors[:bins].sum() / self.pixels[:bins].sum()
        rates = f"{rim_rate:.2%} wrong within {self.rim} pixels of crops' edges, {self.inner_rate:.2%} inside"
        if self.present_overlap >= self.overlap:
            return f"seams: {rates}; their overlap of {self.present_overlap} mends it"
        return f"seams: {rates}; --overlap {self.overlap} would mend it"

    def to_json(self) -> dict[str, Any]:
        """What stands in seams.json."""
        rates = _rate(self.errors, self.pixels).tolist()
        bins = [
            {"from_pixels": i * BIN, "pixels": pixels, "errors": errors, "error_rate": rate}
            for i, (pixels, errors, rate) in enumerate(
                zip(self.pixels.tolist(), self.errors.tolist(), rates, strict=True)
            )
            if pixels
        ]
        inner = None if np.isnan(self.inner_rate) else self.inner_rate
        found = {"rim_pixels": self.rim, "overlap_pixels": self.overlap, "present_overlap_pixels": self.present_overlap}
        return {"bins": bins, "inner_error_rate": inner, **found}


def audit_seams(predictions: Predictions, dataset: Dataset, *, workers: int | None = None) -> Seams:
    """Compare each predicted crop that has a true mask with it, before anything is stitched.

    Raises SagesegError where no such crop has an inner edge, one that is not the image's own.
    """
    sources = plan_sources(predictions, dataset)
    work = partial(_audit_source, predictions, dataset)
    pixels, errors = sum(map_all(work, sources, workers=workers, label="seams"), np.zeros((2, BINS), np.int64))
    if not pixels.any():
        raise SagesegError(
            f"{predictions.root}: no crop with a true mask has a neighbour; seams lie between crops of one image"
        )
    side = min(min(piece.crop.width, piece.crop.height) for source in sources for piece in source.predicted)
    return judge_seams(pixels, errors, side, 2 * min(margin for source in sources for margin in _margins(source)))


def _margins(source: Source) -> Iterator[int]:
    """How far each crop reaches beyond what it owns, at each of its inner edges."""
    for piece in source.predicted:
        crop, owned = piece.crop, piece.owned
        right, bottom = crop.left + crop.width, crop.top + crop.height
        if crop.left > 0:
            yield owned.left - crop.left
        if crop.top > 0:
            yield owned.top - crop.top
        if right < source.predicted_size[0]:
            yield right - owned.left - owned.width
        if bottom < source.predicted_size[1]:
            yield bottom - owned.top - owned.height


def write_seams(out: Path, seams: Seams) -> None:
    """Write seams.json into a stitched folder."""
    write_text(out / "seams.json", format_json(seams.to_json()) + "\n")


def judge_seams(pixels: Ints, errors: Ints, side: int, present_overlap: int = 0) -> Seams:
    """Where the rim of crops whose shorter side is `side` ends, by counts as in `Seams`."""
    inner = -(-side // 4) // BIN
    inner_rate = float(_rate(errors[inner:].sum(), pixels[inner:].sum()))
    worse = _rate(errors, pixels)[:inner] > EXCESS * inner_rate
    rim = BIN * int(worse.cumprod().sum())
    return Seams(pixels, errors, inner_rate, rim, present_overlap)


def _rate(errors: Ints, pixels: Ints) -> Floats:
    """The share of pixels that are wrong; nan where there are none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(errors / pixels, np.float64)


def _audit_source(predictions: Predictions, dataset: Dataset, source: Source) -> Ints:
    kept = {piece.id for piece in source.kept}
    counts = np.zeros((2, BINS), np.int64)
    for piece in source.predicted:
        distance = edge_distance(piece, source.predicted_size)
        if piece.id in kept and distance is not None:
            counts += _audit_crop(predictions, dataset, source, piece, distance)
    return counts


def _audit_crop(predictions: Predictions, dataset: Dataset, source: Source, piece: Piece, distance: Ints) -> Ints:
    truth = read_true_crop(dataset.root, source, piece, len(dataset.classes))
    prediction = read_crop_mask(predictions.root, len(dataset.classes), piece)
    bins = np.minimum(distance // BIN, BINS - 1)
    valid = truth != IGNORE
    return np.stack([np.bincount(bins[at], minlength=BINS) for at in (valid, valid & (truth != prediction))])


def edge_distance(piece: Piece, size: Size) -> Ints | None:
    """Each pixel's distance to the nearest inner edge of its crop, 0 at the edge, shape that of the
    crop; None where all its edges are those of the image, of `size` (width, height)."""
    crop = piece.crop
    rows, columns = np.arange(crop.height)[:, None], np.arange(crop.width)[None, :]
    sides = [
        (crop.top > 0, rows),
        (crop.left > 0, columns),
        (crop.top + crop.height < size[1], crop.height - 1 - rows),
        (crop.left + crop.width < size[0], crop.width - 1 - columns),
    ]
    inner = [np.broadcast_to(distance, (crop.height, crop.width)) for there, distance in sides if there]
    return np.minimum.reduce(inner) if inner else None

"""A source image in bands of rows, from the files of its crops, so that memory holds a row or two
of crops and never the image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from analysis.masks.blend import blend_labels, blend_probabilities, row_lines
from analysis.masks.pieces import Piece, assemble, in_rows
from formats.masks import Mask
from formats.predictions import Probabilities

Content = TypeVar("Content", bound=npt.NDArray[Any])


@dataclass(frozen=True)
class Band:
    """Rows of a source from `top` on: `labels` (h, width) uint8, and `probabilities` (C, h, width)
    where they were asked for."""

    top: int
    labels: Mask
    probabilities: Probabilities | None = None


class _Loaded(Generic[Content]):
    """The crops that the present band needs; those above it are let go."""

    def __init__(self, read: Callable[[Piece], Content]) -> None:
        self._read = read
        self._held: dict[str, Content] = {}

    def __call__(self, piece: Piece) -> Content:
        if piece.id not in self._held:
            self._held[piece.id] = self._read(piece)
        return self._held[piece.id]

    def keep(self, pieces: Sequence[Piece]) -> None:
        ids = {piece.id for piece in pieces}
        self._held = {row_id: content for row_id, content in self._held.items() if row_id in ids}


def inner_bands(
    pieces: Sequence[Piece], width: int, height: int, read: Callable[[Piece], Mask], fill: int
) -> Iterator[Band]:
    """Each pixel from the crop that owns it; pixels that nobody owns are `fill`."""
    load = _Loaded(read)
    ends = {end for piece in pieces for end in (piece.owned.top, piece.owned.top + piece.owned.height)}
    for top, bottom in pairwise(sorted({0, height} | ends)):
        crossing = [p for p in pieces if p.owned.top < bottom and top < p.owned.top + p.owned.height]
        load.keep(crossing)
        parts = ((in_rows(piece, top, bottom), load(piece)) for piece in crossing)
        yield Band(top, assemble((bottom - top, width), parts, fill))


def blended_bands(
    pieces: Sequence[Piece],
    width: int,
    height: int,
    read: Callable[[Piece], Probabilities],
    probabilities_of: int | None = None,
) -> Iterator[Band]:
    """Each pixel from all crops that cover it, blended; pixels in no crop are background. With
    `probabilities_of` that many classes the bands hold probabilities too."""
    load = _Loaded(read)
    for top, bottom in pairwise(row_lines(pieces, height)):
        crossing = [p for p in pieces if p.crop.top <= top and bottom <= p.crop.top + p.crop.height]
        load.keep(crossing)
        labels = blend_labels(crossing, top, bottom, width, load)
        blended = None
        if probabilities_of:
            blended = blend_probabilities(crossing, top, bottom, width, probabilities_of, load)
        yield Band(top, labels, blended)


def whole(bands: Iterator[Band], width: int, height: int) -> Mask:
    """All bands' labels as one mask (height, width)."""
    mask = None
    for band in bands:
        if band.labels.shape == (height, width):
            return band.labels
        mask = np.empty((height, width), np.uint8) if mask is None else mask
        mask[band.top : band.top + band.labels.shape[0]] = band.labels
    return np.empty((height, width), np.uint8) if mask is None else mask

"""Errors by the distance to the edge of the crop that a pixel was predicted in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from analysis.masks.pairs import PairRuns
from analysis.masks.pieces import spread
from analysis.masks.sources import Size, Source
from formats.arrays import Flags, Ints
from formats.crops import Box
from formats.masks import Mask, resize_mask

DISTANCES = (0, 4, 8, 16, 32, 64)
"""Pixels; each begins a bin, and the last takes all that lies farther."""
_NO_EDGE = len(DISTANCES)
EXCESS = 1.1
"""A bin is worse where more than so many times as much is wrong in it as over all distances."""

Layout = tuple[tuple[Box, Box], ...]
"""Of each crop of an image where it lies and the part of the image that is taken from it."""


def count_edges(runs: PairRuns, source: Source, num_classes: int) -> Ints | None:
    """Judged and wrong pixels of a source by bin, int64 of shape (2, len(DISTANCES)); None where no edge of a crop lies
    inside the image, as where it was predicted whole.

    Distances are in pixels of crops: of a source that prep resized, those of the resized image.
    """
    pieces = spread(source.predicted, *source.predicted_size)
    layout = tuple((piece.crop, piece.owned) for piece in pieces)
    bins = _bins_of(layout, source.predicted_size, (source.width, source.height))
    if not bins.pixels.any():
        return None
    lengths = runs.lengths.astype(np.int64)
    ends = lengths.cumsum()
    unjudged, wrong = (
        bins.count(ends[at] - lengths[at], ends[at])
        for at in (np.flatnonzero(chosen[runs.codes]) for chosen in _chosen(num_classes))
    )
    return np.stack([bins.pixels - unjudged, wrong])


@cache
def _chosen(num_classes: int) -> tuple[Flags, Flags]:
    """By code of a pair whether it is not judged, and whether it is wrong."""
    true, predicted = np.divmod(np.arange(num_classes * (num_classes + 1)), num_classes)
    unjudged = true == num_classes
    return unjudged, ~unjudged & (true != predicted)


@dataclass(frozen=True)
class _Bins:
    """The bins of an image's pixels, row by row, as stretches of one bin: where each starts, its bin, and how many
    pixels of each bin lie `before` it, shape (n, len(DISTANCES)); `pixels` are all of each bin."""

    starts: Ints
    bins: Mask
    before: Ints
    pixels: Ints

    def count(self, starts: Ints, ends: Ints) -> Ints:
        """The pixels of each bin from the starts to before the ends."""
        return self._before(ends) - self._before(starts)

    def _before(self, pixels: Ints) -> Ints:
        """How many pixels of each bin lie before these, added up."""
        at = np.searchsorted(self.starts, pixels, side="right") - 1
        rest = np.bincount(self.bins[at], pixels - self.starts[at], len(DISTANCES) + 1)
        return np.asarray(self.before[at].sum(axis=0) + rest[: len(DISTANCES)], np.int64)


@lru_cache(maxsize=4)
def _bins_of(layout: Layout, predicted_size: Size, size: Size) -> _Bins:
    at = edge_bins(layout, predicted_size)
    flat = (at if predicted_size == size else resize_mask(at, *size)).ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    bins, lengths = flat[starts], np.diff(starts, append=flat.size)
    by_bin = np.zeros((len(starts) + 1, len(DISTANCES)), np.int64)
    known = np.flatnonzero(bins != _NO_EDGE)
    by_bin[known + 1, bins[known]] = lengths[known]
    before = by_bin.cumsum(axis=0)
    return _Bins(starts, bins, before[:-1], before[-1])


def edge_bins(layout: Iterable[tuple[Box, Box]], size: Size) -> Mask:
    """The bin of each pixel of an image of `size` (width, height), by its distance, 0 at the edge, to the nearest edge
    of its crop that is not the image's own; len(DISTANCES) where there is none, or no crop."""
    width, height = size
    bins = np.full((height, width), _NO_EDGE, np.uint8)
    for crop, owned in layout:
        columns = _bins_along(owned.left - crop.left, owned.width, crop.width, crop.left, width)
        rows = _bins_along(owned.top - crop.top, owned.height, crop.height, crop.top, height)
        inner = np.minimum(rows[:, None], columns[None, :])
        bins[owned.top : owned.top + owned.height, owned.left : owned.left + owned.width] = inner
    return bins


def _bins_along(first: int, number: int, side: int, start: int, length: int) -> Mask:
    """The bins of so many pixels from the `first` of a crop's side on; the crop starts at `start` of an image of so
    much length."""
    along = np.arange(first, first + number)
    before = along if start > 0 else np.full(number, -1)
    after = side - 1 - along if start + side < length else np.full(number, -1)
    nearest = np.where(before < 0, after, np.where(after < 0, before, np.minimum(before, after)))
    found = np.searchsorted(DISTANCES, nearest, side="right") - 1
    return np.where(nearest < 0, _NO_EDGE, found).astype(np.uint8)


def rim(pixels: Ints, wrong: Ints) -> int | None:
    """How far from the edge predictions are worse than at all distances together: the end of the unbroken worse bins, 0
    where there are none, None where all pixels lie in one bin, or no bin ends the rim."""
    if np.count_nonzero(pixels) < 2:
        return None
    overall = wrong.sum() / pixels.sum()
    end = 0
    for low, judged, errors in zip(DISTANCES, pixels.tolist(), wrong.tolist(), strict=True):
        if judged and errors <= EXCESS * overall * judged:
            return end and low
        end = 1 if judged else end
    return None

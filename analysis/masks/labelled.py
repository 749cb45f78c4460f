"""The connected components of a mask: objects, of eight neighbours, and holes, of four."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.runs import Ints, Runs, row_runs
from formats.masks import Mask


@dataclass(frozen=True)
class Labelled:
    """The connected components of a mask, numbered from 0.

    `labels` has number + 1 at a component's pixels and 0 elsewhere, shape that of the mask; `boxes` has
    a row left, top, width, height and `pixels` an entry for each, shapes (n, 4) and (n,), int64.
    """

    mask: Mask
    labels: npt.NDArray[np.integer[Any]]
    boxes: Ints
    pixels: Ints
    runs: Runs

    def __len__(self) -> int:
        return len(self.pixels)

    def places(self) -> tuple[Ints, Ints]:
        """The row and column of each pixel of the mask."""
        runs = self.runs
        along = np.arange(runs.lengths.sum()) - np.repeat(runs.lengths.cumsum() - runs.lengths, runs.lengths)
        return np.repeat(runs.rows, runs.lengths), np.repeat(runs.columns, runs.lengths) + along

    def first(self) -> Ints:
        """The number of each component's first run in reading order, by which equal ones are told apart."""
        first = np.full(len(self), len(self.runs.rows), np.int64)
        np.minimum.at(first, self.at(self.runs.rows, self.runs.columns), np.arange(len(self.runs.rows)))
        return first

    def largest(self, number: int) -> list[int]:
        """The indices of the largest components, the largest first; of equal ones the first in reading order."""
        return [int(index) for index in np.lexsort((self.first(), -self.pixels))[:number]]

    def at(self, rows: Ints, columns: Ints) -> Ints:
        """The component that each of the places, which are pixels of the mask, is of."""
        return self.labels[rows, columns].astype(np.int64) - 1

    def count_in(self, mask: Mask) -> Ints:
        """How many of each component's pixels are 1 in a 0/1 mask of the same shape."""
        shared = row_runs(self.mask & mask)
        return _sums(self.at(shared.rows, shared.columns), shared.lengths, len(self))


def label(mask: Mask, neighbours: int = 8) -> Labelled:
    """The components of a 0/1 mask, of eight neighbours or four, counted run by run: masks have few runs, and cv2's
    own statistics take eight times as long as its labels."""
    runs = row_runs(mask)
    # each component has a run of its own, so that 16 bits hold the labels of so many
    few = len(runs.rows) < 2**16
    number, numbered = cv2.connectedComponents(mask, connectivity=neighbours, ltype=cv2.CV_16U if few else cv2.CV_32S)
    labels: npt.NDArray[np.integer[Any]] = np.asarray(numbered, np.uint16) if few else np.asarray(numbered, np.int32)
    of = labels[runs.rows, runs.columns].astype(np.int64) - 1
    low, high = np.full((2, number - 1, 2), [[[2**31]], [[-1]]])
    np.minimum.at(low, of, np.stack([runs.columns, runs.rows], axis=1))
    np.maximum.at(high, of, np.stack([runs.columns + runs.lengths, runs.rows + 1], axis=1))
    return Labelled(mask, labels, np.hstack([low, high - low]), _sums(of, runs.lengths, number - 1), runs)


def _sums(of: Ints, amounts: Ints, number: int) -> Ints:
    """The sum of the amounts of each of so many components. bincount's float64 holds it exactly."""
    return np.bincount(of, amounts, number).astype(np.int64)

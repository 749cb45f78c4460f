"""Masks as runs of pixels: what Kaggle's submissions hold, and a fast way to count regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.arrays import Flags, Ints
from formats.masks import Mask


def runs(flags: Flags) -> tuple[Ints, Ints]:
    """The first index and the length of each run of True in a flat array."""
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    first, last = ([0], [flags.size]) if flags.size else ([], [])
    starts = np.concatenate([first if flags[:1].any() else [], edges, last if flags[-1:].any() else []])
    pairs = starts.astype(np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1] - pairs[:, 0]


@dataclass(frozen=True)
class Runs:
    """Runs of pixels of a mask of (height, width), in reading order, that end with their row: where each begins, and
    its length; arrays of shape (n,)."""

    shape: tuple[int, int]
    rows: Ints
    columns: Ints
    lengths: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def starts(self) -> Ints:
        """Where each begins, if each row had a pixel more: runs of two rows never meet."""
        return self.rows * (self.shape[1] + 1) + self.columns

    def chosen(self, which: npt.NDArray[Any]) -> Runs:
        return Runs(self.shape, self.rows[which], self.columns[which], self.lengths[which])

    def joined(self) -> Runs:
        """With those as one that follow each other without a gap."""
        starts = self.starts()
        first = np.flatnonzero(np.concatenate([[True], starts[1:] != (starts + self.lengths)[:-1]])[: len(self)])
        if len(first) == len(self):
            return self
        return Runs(self.shape, self.rows[first], self.columns[first], np.add.reduceat(self.lengths, first))

    def which_holds(self, others: Runs) -> Ints:
        """The run in which each of the others, parts of these, lies."""
        return np.searchsorted(self.starts(), others.starts(), side="right") - 1

    def places(self) -> tuple[Ints, Ints]:
        """The row and column of each pixel."""
        along = np.arange(self.lengths.sum()) - np.repeat(self.lengths.cumsum() - self.lengths, self.lengths)
        return np.repeat(self.rows, self.lengths), np.repeat(self.columns, self.lengths) + along

    def painted(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The mask with a value for each run, and 0 elsewhere."""
        height, width = self.shape
        starts = self.rows * width + self.columns
        ends = starts + self.lengths
        counts = np.zeros(2 * len(self) + 1, np.int64)
        counts[0::2] = np.append(starts, height * width) - np.concatenate([[0], ends])
        counts[1::2] = self.lengths
        every = np.zeros(len(counts), values.dtype)
        every[1::2] = values
        return np.repeat(every, counts).reshape(height, width)


def row_runs(mask: Mask) -> Runs:
    """The runs of a 0/1 mask, row by row."""
    height, width = mask.shape
    # a column of zeros ends each run with its row
    padded = np.zeros((height, width + 1), np.uint8)
    padded[:, :width] = mask
    starts, lengths = runs(padded.ravel().view(np.bool_))
    return Runs((height, width), starts // (width + 1), starts % (width + 1), lengths)


def value_runs(mask: Mask) -> tuple[Runs, Mask]:
    """The runs of a mask whose pixels have one value, row by row, and their values, shape (n,)."""
    height, width = mask.shape
    begins = np.empty(mask.shape, np.bool_)
    begins[:, 0] = True
    np.not_equal(mask[:, 1:], mask[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    rows, columns = np.divmod(starts, width)
    return Runs((height, width), rows, columns, np.diff(starts, append=mask.size)), mask.ravel()[starts]

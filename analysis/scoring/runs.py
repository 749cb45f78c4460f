"""Masks as runs of pixels: what Kaggle's submissions hold, and a fast way to count regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from formats.masks import Mask

Ints = npt.NDArray[np.int64]


def runs(flags: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The first index and the length of each run of True in a flat array."""
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    first, last = ([0], [flags.size]) if flags.size else ([], [])
    starts = np.concatenate([first if flags[:1].any() else [], edges, last if flags[-1:].any() else []])
    pairs = starts.astype(np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1] - pairs[:, 0]


@dataclass(frozen=True)
class Runs:
    """Runs of ones that end with their row: where each begins, and its length; arrays of shape (n,)."""

    rows: Ints
    columns: Ints
    lengths: Ints


def row_runs(mask: Mask) -> Runs:
    """The runs of a 0/1 mask, row by row."""
    height, width = mask.shape
    # a column of zeros ends each run with its row
    padded = np.zeros((height, width + 1), np.uint8)
    padded[:, :width] = mask
    starts, lengths = runs(padded.ravel().view(np.bool_))
    return Runs(starts // (width + 1), starts % (width + 1), lengths)


def encode_runs(mask: npt.NDArray[np.bool_]) -> str:
    """A mask as `start length start length …`: pixels numbered from 1, left to right, then down
    (Kaggle, Carvana Image Masking Challenge, Evaluation)."""
    starts, lengths = runs(mask.ravel())
    return " ".join(map(str, np.stack([starts + 1, lengths], axis=1).ravel().tolist()))


def decode_runs(text: str, width: int, height: int) -> Mask:
    """The counterpart of `encode_runs`, 0 and 1, shape (height, width).

    Raises ValueError where the text is not pairs of whole numbers in rising order inside the image.
    """
    numbers = np.array([int(word) for word in text.split()], np.int64)
    if numbers.size % 2:
        raise ValueError(f"{numbers.size} numbers; expected pairs of start and length")
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    ends = starts + lengths
    if (lengths < 1).any() or (starts < 0).any() or (starts[1:] < ends[:-1]).any():
        raise ValueError("runs must rise, start at 1 and hold a pixel or more")
    if numbers.size and ends[-1] > width * height:
        raise ValueError(f"a run ends at pixel {ends[-1]}, but {width}×{height} has {width * height}")
    flat = np.zeros(width * height, np.uint8)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        flat[start:end] = 1
    return flat.reshape(height, width)

"""Kaggle's run lengths, from a mask and back."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from formats.masks import Mask
from formats.objects.runs import runs

_NUMBER = re.compile("[0-9]{1,12}")
"""What no image has more pixels than; sums of two stay exact."""
_TOLD = 40


def encode_runs(mask: npt.NDArray[np.bool_]) -> str:
    """A mask as `start length start length …`: pixels numbered from 1, left to right, then down
    (Kaggle, Carvana Image Masking Challenge, Evaluation)."""
    starts, lengths = runs(mask.ravel())
    return " ".join(map(str, np.stack([starts + 1, lengths], axis=1).ravel().tolist()))


def decode_runs(text: str, width: int, height: int) -> Mask:
    """The counterpart of `encode_runs`, 0 and 1, shape (height, width).

    Raises ValueError where the text is not pairs of whole numbers in rising order inside the image.
    """
    words = text.split()
    wrong = next((word for word in words if not _NUMBER.fullmatch(word)), None)
    if wrong is not None:
        raise ValueError(f"{wrong[:_TOLD]!r} is no number of pixels")
    numbers = np.array([int(word) for word in words], np.int64)
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


def longest_line(width: int, height: int) -> int:
    """Characters that the runs of no mask of this size exceed: every other pixel is one, of ten digits and a length."""
    return 12 * (width * height // 2 + 1)

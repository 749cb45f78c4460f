"""Where two masks agree."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import cv2
import numpy as np

from formats.classes import IGNORE
from formats.masks import Mask

_ROWS = 64


class Agreement(IntEnum):
    NEITHER = 0
    CORRECT = 1
    WRONG = 2
    MISSED = 3


def agreement(truth: Mask, prediction: Mask) -> Mask:
    """Where two masks agree, as `Agreement` codes, (height, width) uint8.

    Only foreground is coloured: correct is the right foreground class, wrong a foreground class
    that is not the true one, missed foreground that was predicted as background. Ignored pixels
    (255 in the truth) are neither.
    """
    codes = np.zeros(truth.shape, np.uint8)
    left, top, width, height = cv2.boundingRect(cv2.bitwise_or(truth, prediction))
    box = slice(top, top + height), slice(left, left + width)
    inside, true, predicted = codes[box], truth[box], prediction[box]
    for rows in bands_of(height):
        inside[rows] = _agree(true[rows], predicted[rows])
    return codes


def _agree(truth: Mask, prediction: Mask) -> Mask:
    predicted = prediction != 0
    codes: Mask = predicted.view(np.uint8) + (predicted & (truth != prediction))
    codes += np.uint8(Agreement.MISSED) * ((truth != 0) & ~predicted).view(np.uint8)
    codes *= truth != IGNORE
    return codes


def bands_of(height: int) -> Iterator[slice]:
    """Some rows after another: what is computed of them on the way stays in the processor's cache."""
    return (slice(top, top + _ROWS) for top in range(0, height, _ROWS))

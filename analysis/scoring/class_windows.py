"""One class of two masks at a time, cut to where it occurs: what shape measures work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from analysis.scoring.counts import Confusion
from formats.classes import IGNORE
from formats.masks import Mask


@dataclass(frozen=True)
class ClassWindow:
    """Where a foreground class is true or predicted: `true` and `predicted`, each 0 or 1, shape
    (h, w), of the window whose upper left pixel is (left, top).

    The window reaches one pixel farther than the class where the image does. Pixels that are
    ignore in the truth are 0 in both, so that they count for neither side.
    """

    class_id: int
    left: int
    top: int
    true: Mask
    predicted: Mask

    def cut(self, mask: Mask) -> Mask:
        """The same window of another mask of the image."""
        height, width = self.true.shape
        return mask[self.top : self.top + height, self.left : self.left + width]


def class_windows(truth: Mask, prediction: Mask, confusion: Confusion) -> Iterator[ClassWindow]:
    """A window for each foreground class that occurs, by its `confusion`, in either mask.

    A class that is predicted on ignored pixels alone does not occur.
    """
    plain = truth.max(initial=0) != IGNORE
    if not plain:
        prediction = np.where(truth == IGNORE, IGNORE, prediction).astype(np.uint8)
    for class_id in range(1, len(confusion)):
        if confusion[class_id].any() or confusion[:, class_id].any():
            # masks of 0 and 1 are what is looked for as they are
            as_is = plain and len(confusion) == 2
            pair = (mask if as_is else _where(mask, class_id) for mask in (truth, prediction))
            yield _window(class_id, *pair)


def _where(mask: Mask, class_id: int) -> Mask:
    return np.asarray(mask == class_id).view(np.uint8)


def _window(class_id: int, true: Mask, predicted: Mask) -> ClassWindow:
    boxes = [box for box in map(cv2.boundingRect, (true, predicted)) if box[2]]
    left, top = (min(box[i] for box in boxes) for i in range(2))
    right, bottom = (max(box[i] + box[i + 2] for box in boxes) for i in range(2))
    rows, columns = slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)
    return ClassWindow(class_id, columns.start, rows.start, true[rows, columns], predicted[rows, columns])

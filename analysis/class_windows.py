"""One class of two masks at a time, cut to where it occurs: what shape measures work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from analysis.counts import Confusion
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
    if truth.max(initial=0) == IGNORE:
        prediction = np.where(truth == IGNORE, IGNORE, prediction).astype(np.uint8)
    for class_id in range(1, len(confusion)):
        if confusion[class_id].any() or confusion[:, class_id].any():
            yield _window(truth, prediction, class_id)


def _window(truth: Mask, prediction: Mask, class_id: int) -> ClassWindow:
    true, predicted = ((mask == class_id).view(np.uint8) for mask in (truth, prediction))
    left, top, width, height = cv2.boundingRect(true | predicted)
    rows = slice(max(top - 1, 0), top + height + 1)
    columns = slice(max(left - 1, 0), left + width + 1)
    return ClassWindow(class_id, columns.start, rows.start, true[rows, columns], predicted[rows, columns])

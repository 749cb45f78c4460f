"""One class of two masks at a time, cut to where it occurs: what shape measures work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.masks import pairs
from analysis.masks.pairs import pair
from formats.arrays import Flags, Ints
from formats.masks import Mask
from formats.objects.runs import Runs


@dataclass(frozen=True)
class ClassRuns:
    """Where a class is true or predicted, in runs of one true and one predicted class: both by run, uint8. Pixels that
    are ignore in the truth are in none."""

    runs: Runs
    true: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ClassWindow:
    """Where a foreground class is true or predicted: `true` and `predicted`, each 0 or 1, shape
    (h, w), of the window whose upper left pixel is (left, top), and its `parts` in the window.

    The window reaches one pixel farther than the class where the image does. Pixels that are
    ignore in the truth are 0 in both, so that they count for neither side.
    """

    class_id: int
    left: int
    top: int
    true: Mask
    predicted: Mask
    parts: ClassRuns


def class_windows(
    truth: Mask, prediction: Mask, num_classes: int, found: pairs.PairRuns | None = None
) -> Iterator[ClassWindow]:
    """A window for each foreground class that occurs in either mask of one shape; `found` are their pairs, if they are
    known.

    A class that is predicted on ignored pixels alone does not occur.
    """
    runs, codes = _by_rows(found or pair(truth, prediction, num_classes), truth.shape)
    judged = codes < num_classes**2
    plain = num_classes == 2 and bool(judged.all())  # masks of 0 and 1 are what is looked for as they are
    true, predicted = (each.astype(np.uint8) for each in np.divmod(codes, num_classes))
    for class_id in range(1, num_classes):
        chosen = np.flatnonzero(((true == class_id) | (predicted == class_id)) & judged)
        if len(chosen):
            parts = ClassRuns(runs.chosen(chosen), true[chosen], predicted[chosen])
            yield _window(class_id, parts, truth, prediction, plain=plain)


def _by_rows(found: pairs.PairRuns, shape: tuple[int, ...]) -> tuple[Runs, npt.NDArray[np.uint16]]:
    """Pairs in runs that end with their row, and their codes."""
    height, width = shape
    ends = found.lengths.cumsum(dtype=np.int64)
    starts = np.concatenate([ends - found.lengths, np.arange(0, height * width, width)])
    starts.sort(kind="stable")  # of two sorted halves: merged, not sorted
    starts = starts[np.diff(starts, prepend=-1) > 0]
    of = np.searchsorted(ends, starts, side="right")
    rows, columns = np.divmod(starts, width)
    lengths = np.diff(starts, append=height * width)
    return Runs((height, width), rows, columns, lengths), found.codes[of]


def _window(class_id: int, parts: ClassRuns, truth: Mask, prediction: Mask, *, plain: bool) -> ClassWindow:
    runs = parts.runs
    left, top = max(int(runs.columns.min()) - 1, 0), max(int(runs.rows[0]) - 1, 0)
    right = min(int((runs.columns + runs.lengths).max()) + 1, truth.shape[1])
    bottom = min(int(runs.rows[-1]) + 2, truth.shape[0])
    inside = Runs((bottom - top, right - left), runs.rows - top, runs.columns - left, runs.lengths)
    if plain:
        true, predicted = (mask[top:bottom, left:right] for mask in (truth, prediction))
    else:
        true, predicted = (_painted(inside, each == class_id) for each in (parts.true, parts.predicted))
    return ClassWindow(class_id, left, top, true, predicted, ClassRuns(inside, parts.true, parts.predicted))


def _painted(runs: Runs, which: Flags) -> Mask:
    return np.asarray(runs.painted(which.view(np.uint8)))


def runs_of(window: ClassWindow) -> tuple[Runs, Runs, Ints]:
    """The runs of the class in the truth, those in the prediction, and which of the `parts` are both."""
    parts = window.parts
    true, predicted = parts.true == window.class_id, parts.predicted == window.class_id
    return parts.runs.chosen(true).joined(), parts.runs.chosen(predicted).joined(), np.flatnonzero(true & predicted)

"""KITTI road's scores from probabilities, after its published definitions.

Fritsch, Kühnl, Geiger: A New Performance Measure and Evaluation Benchmark for Road Detection
Algorithms, ITSC 2013, section IV; its development kit evaluates at 256 thresholds and takes the
average precision of PASCAL VOC 2007 (eleven points). The benchmark itself is held in the bird's eye
view; these are the same measures over the image.
"""

from __future__ import annotations

import numpy as np

from analysis.scoring.scores import Tally, ratio
from analysis.scoring.thresholds import thresholds
from formats.arrays import Floats

_RECALLS = np.arange(11) / 10


def kitti_scores(tally: Tally) -> dict[str, float] | None:
    """The scores from counts at each of `thresholds()`, as they stand in scores.json: `precision` to
    `false_negative_rate` are those at the threshold where F is largest. None where no pixel truly is
    the class."""
    if tally.tp[0] == 0:
        return None
    precision, recall = ratio(tally.tp, tally.tp + tally.fp), ratio(tally.tp, tally.tp + tally.fn)
    f = ratio(2 * tally.tp, 2 * tally.tp + tally.fp + tally.fn)
    best = int(np.argmax(f))
    return {
        "max_f": float(f[best]),
        "average_precision": _average_precision(precision, recall),
        "precision": float(precision[best]),
        "recall": float(recall[best]),
        "false_positive_rate": float(ratio(tally.fp, tally.fp + tally.tn)[best]),
        "false_negative_rate": float(1 - recall[best]),
        "threshold": float(thresholds()[best]),
    }


def _average_precision(precision: Floats, recall: Floats) -> float:
    """The mean, over recalls 0, 0.1 … 1, of the best precision at that recall or a higher one."""
    known = np.nan_to_num(precision)
    return float(np.mean([known[recall >= least].max(initial=0) for least in _RECALLS]))

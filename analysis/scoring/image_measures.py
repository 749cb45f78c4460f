"""All numbers of one image, from its true and its predicted mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analysis.masks.bands import Band
from analysis.masks.pairs import PairRuns, pair
from analysis.options import ScoringOptions
from analysis.scoring.boundary import BoundaryCounts, count_boundaries, no_boundaries
from analysis.scoring.class_windows import class_windows
from analysis.scoring.components import Components, class_objects, find_components, join_components
from analysis.scoring.counts import Confusion, count_pairs
from analysis.scoring.objects import WrongObjects, false_positive_objects, join_wrong, missed_objects
from analysis.scoring.suspects import doubts
from analysis.scoring.thresholds import (
    ProbabilityCounts,
    count_probabilities,
    foreground_levels,
    no_probabilities,
)
from formats.masks import Mask


@dataclass(frozen=True)
class Measured:
    """The counts of one image, from which all scores follow."""

    confusion: Confusion
    boundaries: BoundaryCounts
    components: Components
    false_positives: WrongObjects
    missed: WrongObjects


def measure(
    truth: Mask, prediction: Mask, num_classes: int, options: ScoringOptions, found: PairRuns | None = None
) -> Measured:
    """Count pixels, outlines, objects and wrong objects of two masks of one shape (height, width); `found` are their
    pairs, if they are known."""
    runs = found or pair(truth, prediction, num_classes)
    boundaries = no_boundaries(num_classes)
    components: list[Components] = []
    false_positives: list[WrongObjects] = []
    missed: list[WrongObjects] = []
    for window in class_windows(truth, prediction, num_classes, runs):  # one at a time: of 150 classes each is as large
        objects = [class_objects(window)]
        boundaries += count_boundaries([window], truth.shape, num_classes, options)
        components.append(find_components(objects, num_classes))
        false_positives.append(false_positive_objects(objects, num_classes, options.halo))
        missed.append(missed_objects(objects, num_classes, options.halo))
    return Measured(
        confusion=count_pairs(runs, num_classes),
        boundaries=boundaries,
        components=join_components(components, num_classes),
        false_positives=join_wrong(false_positives, num_classes),
        missed=join_wrong(missed, num_classes),
    )


@dataclass(frozen=True)
class Believed:
    """What the probabilities of an image add: their counts, the prediction that follows from them, how much they
    `doubt` the truth (`doubts`), and the probability of `foreground` as 0..255; masks of (height, width) uint8."""

    counts: ProbabilityCounts
    prediction: Mask
    doubt: Mask
    foreground: Mask


def judge(truth: Mask, bands: Iterable[Band], num_classes: int) -> Believed:
    """What an image's bands, which must hold probabilities, add to its truth."""
    counts = no_probabilities(num_classes)
    prediction, doubt, foreground = (np.empty_like(truth) for _ in range(3))
    for band in bands:
        if band.probabilities is None:
            raise ValueError("bands without probabilities")
        rows = slice(band.top, band.top + band.labels.shape[0])
        counts += count_probabilities(truth[rows], band.probabilities)
        prediction[rows] = band.labels
        doubt[rows] = doubts(truth[rows], band.probabilities)
        foreground[rows] = foreground_levels(band.probabilities)
    return Believed(counts, prediction, doubt, foreground)

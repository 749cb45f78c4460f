"""One image as the report knows it: scores, pixels, objects, what is suspicious in its truth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from analysis.masks.pairs import PairRuns
from analysis.masks.source_plan import SourceFacts
from analysis.scoring.components import Component
from analysis.scoring.counts import Confusion
from analysis.scoring.image_measures import Measured
from analysis.scoring.judged import Judged
from analysis.scoring.objects import Amount, WrongObject, WrongObjects
from analysis.scoring.patterns.looking import Seen
from analysis.scoring.scores import Scores, false_positive_pixels, missed_pixels, score
from analysis.scoring.suspects import Suspect
from analysis.scoring.thresholds import ProbabilityCounts
from formats.arrays import Ints
from formats.classes import IGNORE


@dataclass(frozen=True, slots=True)
class ImageReport:
    """What the report says of one image. Pixels are counts at full size; those by class have an entry
    per class, the background first, those that are not judged left out. `truth_sha256` is of the runs of the truth by
    which it was judged, ignore where it was not, row after row: all lengths, then all classes, 4 and 1 bytes each.

    `true_components` to `missed` are the largest objects and wrong objects; the numbers beside them
    count all, those of wrong objects by `Kind` too. `suspect` is None without probabilities, and where all of the truth
    is ignore. `source` is the image's path, by which lists name it; `confused` are the pairs of classes that were taken
    for each other, int64 rows of true class, predicted class and pixels, shape (N, 3).
    """

    stem: str
    source: str
    group: str
    split: str
    attributes: Mapping[str, str]
    width: int
    height: int
    scores: Scores
    judged: Judged
    truth_sha256: str
    false_positive_pixels: int
    missed_pixels: int
    true_pixels: tuple[int, ...]
    predicted_pixels: tuple[int, ...]
    true_count: tuple[int, ...]
    predicted_count: tuple[int, ...]
    false_positive_count: int
    missed_count: int
    false_positive_kinds: tuple[int, ...]
    missed_kinds: tuple[int, ...]
    true_components: tuple[Component, ...]
    predicted_components: tuple[Component, ...]
    false_positives: tuple[WrongObject, ...]
    missed: tuple[WrongObject, ...]
    suspect: Suspect | None
    confused: Ints


@dataclass(frozen=True)
class Examined:
    """An image's report, with what is summed up: counts, those of probabilities None where there are none."""

    report: ImageReport
    measured: Measured
    probabilities: ProbabilityCounts | None
    seen: Seen


@dataclass(frozen=True)
class Findings:
    """All that is found in one image, from which its `Examined` follows; `not_predicted` are pixels of the truth that
    `judged_truth` took from it, and `truth_sha256` is of what it left."""

    truth_sha256: str
    not_predicted: int
    measured: Measured
    suspect: Suspect | None
    probabilities: ProbabilityCounts | None
    seen: Seen


def as_examined(of: SourceFacts, found: Findings) -> Examined:
    return Examined(_report_image(of, found), found.measured, found.probabilities, found.seen)


def _report_image(of: SourceFacts, found: Findings) -> ImageReport:
    """What is kept of one image."""
    measured, confusion, components = found.measured, found.measured.confusion, found.measured.components
    return ImageReport(
        **{field.name: getattr(of, field.name) for field in fields(of)},
        scores=score(confusion, measured.boundaries),
        judged=Judged(int(confusion.sum()), found.not_predicted),
        truth_sha256=found.truth_sha256,
        false_positive_pixels=false_positive_pixels(confusion),
        missed_pixels=missed_pixels(confusion),
        true_pixels=tuple(confusion.sum(axis=1).tolist()),
        predicted_pixels=tuple(confusion.sum(axis=0).tolist()),
        true_count=tuple(components.true_count.tolist()),
        predicted_count=tuple(components.predicted_count.tolist()),
        false_positive_count=measured.false_positives.count,
        missed_count=measured.missed.count,
        false_positive_kinds=_by_kind(measured.false_positives),
        missed_kinds=_by_kind(measured.missed),
        true_components=components.true,
        predicted_components=components.predicted,
        false_positives=measured.false_positives.largest,
        missed=measured.missed.largest,
        suspect=found.suspect,
        confused=_confused(confusion),
    )


def _by_kind(wrong: WrongObjects) -> tuple[int, ...]:
    return tuple(wrong.amounts[..., Amount.COUNT].sum(axis=(0, 2)).tolist())


def _confused(confusion: Confusion) -> Ints:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    true, predicted = wrong.nonzero()
    return np.stack([true, predicted, wrong[true, predicted]], axis=1).astype(np.int64)


def digest_truth(found: PairRuns, num_classes: int) -> str:
    """SHA-256 of the truth, whichever the prediction; a twentieth of the time that its pixels take."""
    true = (found.codes // num_classes).astype(np.uint8)
    true[found.codes >= num_classes**2] = IGNORE
    first = np.flatnonzero(np.concatenate([[True], true[1:] != true[:-1]]))
    lengths = np.add.reduceat(found.lengths, first, dtype=np.int64)
    return hashlib.sha256(lengths.astype("<u4").tobytes() + true[first].tobytes()).hexdigest()

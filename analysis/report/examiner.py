"""One image of the report: measured, scored and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.masks.reading import read_bands, read_prediction, read_truth
from analysis.masks.sources import Source
from analysis.options import ScoringOptions
from analysis.report.layer_files import Drawer
from analysis.scoring.components import Component
from analysis.scoring.image_measures import Measured, judge, measure
from analysis.scoring.objects import WrongObject
from analysis.scoring.scores import Scores, false_positive_pixels, missed_pixels, score
from analysis.scoring.suspects import Suspect, suspect
from analysis.scoring.thresholds import ProbabilityCounts
from formats.masks import Mask


@dataclass(frozen=True)
class ImageReport:
    """What the report says of one image. Pixels are counts at full size; those by class have an entry
    per class, the background first, ignored pixels left out.

    `true_components` to `missed` are the largest objects and wrong objects; the numbers beside them
    count all. `suspect` is None where nothing is suspicious, or nothing is known without probabilities.
    """

    stem: str
    group: str
    split: str
    attributes: dict[str, str]
    width: int
    height: int
    scores: Scores
    counted_pixels: int
    false_positive_pixels: int
    missed_pixels: int
    true_pixels: tuple[int, ...]
    predicted_pixels: tuple[int, ...]
    true_count: tuple[int, ...]
    predicted_count: tuple[int, ...]
    false_positive_count: int
    missed_count: int
    true_components: tuple[Component, ...]
    predicted_components: tuple[Component, ...]
    false_positives: tuple[WrongObject, ...]
    missed: tuple[WrongObject, ...]
    suspect: Suspect | None


@dataclass(frozen=True)
class Examined:
    """An image's report, with what is summed up: counts, those of probabilities None where there are none."""

    report: ImageReport
    measured: Measured
    probabilities: ProbabilityCounts | None


@dataclass(frozen=True)
class Examiner:
    """How to examine a source; a call writes its drawings. Pickles, to work in another process."""

    predictions: Path
    dataset: Path
    num_classes: int
    draw: Drawer
    scoring: ScoringOptions

    def __call__(self, source: Source) -> Examined:
        truth = read_truth(self.dataset, source, self.num_classes)
        prediction, probabilities, doubt = self._read(source, truth)
        measured = measure(truth, prediction, self.num_classes, self.scoring)
        self.draw(source, truth, prediction)
        return Examined(report_image(source, measured, doubt), measured, probabilities)

    def _read(self, source: Source, truth: Mask) -> tuple[Mask, ProbabilityCounts | None, Suspect | None]:
        if not source.probabilities:
            return read_prediction(self.predictions, source, self.num_classes), None, None
        bands = read_bands(self.predictions, source, self.num_classes, probabilities=True)
        judged = judge(truth, bands, self.num_classes)
        doubt = suspect(source.stem, source.row.group, truth, judged.prediction, judged.contradiction)
        return judged.prediction, judged.counts, doubt


def report_image(source: Source, measured: Measured, doubt: Suspect | None) -> ImageReport:
    """What is kept of one image."""
    row, confusion, components = source.row, measured.confusion, measured.components
    return ImageReport(
        stem=source.stem,
        group=row.group,
        split=row.split,
        attributes=row.attributes,
        width=source.width,
        height=source.height,
        scores=score(confusion, measured.boundaries),
        counted_pixels=int(confusion.sum()),
        false_positive_pixels=false_positive_pixels(confusion),
        missed_pixels=missed_pixels(confusion),
        true_pixels=tuple(confusion.sum(axis=1).tolist()),
        predicted_pixels=tuple(confusion.sum(axis=0).tolist()),
        true_count=tuple(components.true_count.tolist()),
        predicted_count=tuple(components.predicted_count.tolist()),
        false_positive_count=measured.false_positives.count,
        missed_count=measured.missed.count,
        true_components=components.true,
        predicted_components=components.predicted,
        false_positives=measured.false_positives.largest,
        missed=measured.missed.largest,
        suspect=doubt,
    )

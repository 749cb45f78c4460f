"""One image of the report: measured, scored and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.masks.pairs import pair
from analysis.masks.reading import read_bands, read_prediction, read_truth
from analysis.masks.sources import Source
from analysis.options import ScoringOptions
from analysis.report.layer_files import Drawer, Drawn, DrawnBelief
from analysis.report.page.told_objects import told_objects
from analysis.scoring.image_measures import judge, measure
from analysis.scoring.image_report import Findings, digest_truth
from analysis.scoring.judged import judged_truth
from analysis.scoring.patterns.looking import look
from analysis.scoring.patterns.places import Frame
from analysis.scoring.suspects import Suspect, suspect_in_detail
from analysis.scoring.thresholds import ProbabilityCounts
from formats.masks import Mask


@dataclass(frozen=True)
class _Read:
    """A prediction, and what its probabilities tell, if it has any."""

    prediction: Mask
    counts: ProbabilityCounts | None = None
    suspect: Suspect | None = None
    believed: DrawnBelief | None = None


@dataclass(frozen=True)
class Examiner:
    """How to examine a source; a call writes its drawings. Pickles, to work in another process."""

    predictions: Path
    dataset: Path
    num_classes: int
    draw: Drawer
    scoring: ScoringOptions
    frame: Frame

    def __call__(self, source: Source) -> Findings:
        known = read_truth(self.dataset, source, self.num_classes)
        truth, not_predicted = judged_truth(known, source.unpredicted)
        read = self._read(source, truth)
        pairs = pair(truth, read.prediction, self.num_classes)
        measured = measure(truth, read.prediction, self.num_classes, self.scoring, pairs)
        seen = look(source, pairs, self.num_classes, self.frame)
        digest = digest_truth(pairs, self.num_classes)
        found = Findings(digest, not_predicted, measured, read.suspect, read.counts, seen)
        told = told_objects(measured.false_positives.largest, measured.missed.largest)
        self.draw(source, Drawn(truth, read.prediction, pairs, told, read.believed))
        return found

    def _read(self, source: Source, truth: Mask) -> _Read:
        if not source.probabilities:
            return _Read(read_prediction(self.predictions, source, self.num_classes))
        bands = read_bands(self.predictions, source, self.num_classes, probabilities=True)
        judged = judge(truth, bands, self.num_classes)
        suspected, contradicted = suspect_in_detail(source.stem, source.row.group, truth, judged.doubt)
        return _Read(judged.prediction, judged.counts, suspected, DrawnBelief(judged.foreground, contradicted))

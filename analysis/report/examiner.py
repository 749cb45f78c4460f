"""One image of the report: measured, scored and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.drawing.pairs import pair
from analysis.masks.reading import read_bands, read_prediction, read_truth
from analysis.masks.sources import Source
from analysis.options import ScoringOptions
from analysis.report.layer_files import Drawer
from analysis.scoring.image_measures import judge, measure
from analysis.scoring.image_report import Examined, report_image
from analysis.scoring.judged import judged_truth
from analysis.scoring.patterns.looking import look
from analysis.scoring.patterns.places import Frame
from analysis.scoring.suspects import Suspect, suspect
from analysis.scoring.thresholds import ProbabilityCounts
from formats.masks import Mask


@dataclass(frozen=True)
class Examiner:
    """How to examine a source; a call writes its drawings. Pickles, to work in another process."""

    predictions: Path
    dataset: Path
    num_classes: int
    draw: Drawer
    scoring: ScoringOptions
    frame: Frame

    def __call__(self, source: Source) -> Examined:
        known = read_truth(self.dataset, source, self.num_classes)
        truth, not_predicted = judged_truth(known, source.unpredicted)
        prediction, probabilities, suspected = self._read(source, truth)
        measured = measure(truth, prediction, self.num_classes, self.scoring)
        self.draw(source, truth, prediction)
        seen = look(source, pair(truth, prediction, self.num_classes), self.num_classes, self.frame)
        report = report_image(source, truth, not_predicted, measured, suspected)
        return Examined(report, measured, probabilities, seen)

    def _read(self, source: Source, truth: Mask) -> tuple[Mask, ProbabilityCounts | None, Suspect | None]:
        if not source.probabilities:
            return read_prediction(self.predictions, source, self.num_classes), None, None
        bands = read_bands(self.predictions, source, self.num_classes, probabilities=True)
        counts, prediction, doubt = judge(truth, bands, self.num_classes)
        return prediction, counts, suspect(source.stem, source.row.group, truth, doubt)

"""What a report is of and how it is made: found out before the first image is examined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.drawing.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.masks.cleaning import cleanings
from analysis.masks.reading import require_truth
from analysis.masks.sources import Source, check_complete, plan_sources
from analysis.options import ScoringOptions
from analysis.report.examiner import Examiner
from analysis.report.judged_share import predict_all
from analysis.report.layer_files import Drawer
from analysis.report.source_images import SourceImages, has_gaps
from analysis.scoring.judged import LeftOut, left_out
from analysis.scoring.patterns.places import Frame, frame_of
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.predictions import ModelFacts, Predictions, info_path, read_model_facts
from formats.prepared.preparation import dataset_preparation
from formats.prepared.value_range import ValueRange
from formats.verbs.kept_words import named, typed_beside
from formats.verbs.mounting import typed_words

OVERLAYS_DRAWN = 500
"""The viewer zooms into layers, which every image has; of thousands of overlays few are looked at."""


@dataclass(frozen=True)
class ReportOptions:
    """What a person may choose of a report. Full-size overlays are drawn of so many of the worst images, and of the
    best; of all with None."""

    colours: ColourScheme = ColourScheme.DEFAULT
    strips: bool = False
    overlays: int | None = OVERLAYS_DRAWN
    scoring: ScoringOptions = field(default_factory=ScoringOptions)


@dataclass(frozen=True)
class Settled:
    """All that a report tells beside its images: with those it is whole, without predictions and dataset.

    `predictions` and `dataset` are names of folders, `dataset_sha256` is None where a folder of true masks stood in a
    dataset's place, `told` is what is passed on of predictions.json, and of `grey_images` crops are missing.
    """

    options: ReportOptions
    classes: ClassTable
    frame: Frame
    left_out: LeftOut
    predict_all: str
    grey_images: int
    predictions: str
    dataset: str
    dataset_sha256: str | None
    told: Mapping[str, Any]

    @property
    def model(self) -> ModelFacts:
        return read_model_facts(self.told, self.predictions)

    @property
    def passed_on(self) -> dict[str, Any]:
        """What scores.json says of predictions.json in its own words."""
        label_map = self.told.get("label_map")
        return cleanings(self.told) | ({"label_map": label_map} if label_map else {})


@dataclass(frozen=True)
class Planned:
    """A report to be made: its sources in order, where their files are, and what else it tells."""

    sources: list[Source]
    predictions: Path
    dataset: Path
    images: SourceImages
    settled: Settled

    def examiner(self, stage: Path) -> Examiner:
        """How a source is examined; folders for what is drawn are made in `stage`."""
        options, classes = self.settled.options, self.settled.classes
        draw = Drawer(stage, self.images, classes.names, AGREEMENT_COLOURS[options.colours], options.strips)
        draw.make_folders()
        return Examiner(self.predictions, self.dataset, len(classes), draw, options.scoring, self.settled.frame)


def plan_report(
    predictions: Predictions, dataset: Dataset, options: ReportOptions, images: Path | None, *, by_names: bool = False
) -> Planned:
    """What is scored are full images, those that were predicted; `images` is the folder of those that prep read, if it
    is known. Places are told `by_names` alone where the same plan must come of another machine. Raises SagesegError as
    `plan_sources`, the readers of `analysis.masks.reading` and `SourceImages` do."""
    sources = plan_sources(predictions, dataset)
    require_truth(sources, dataset)
    if not options.scoring.partial:
        check_complete(sources, dataset)
    shown_images = SourceImages(dataset.root, images, _value_range(dataset) if images else None)
    shown_images.check(sources)
    model = read_model_facts(predictions.info, info_path(predictions.root))
    words = tuple(map(named if by_names else typed_beside, typed_words()))
    passed_on = {name: predictions.info[name] for name in ("cleaned", "label_map") if name in predictions.info}
    settled = Settled(
        options=options,
        classes=dataset.classes,
        frame=frame_of([(source.width, source.height) for source in sources]),
        left_out=left_out(sources, dataset),
        predict_all=predict_all(model, dataset, [source.row.split for source in sources], words),
        grey_images=0 if images else sum(map(has_gaps, sources)),
        predictions=predictions.root.resolve().name,
        dataset=dataset.root.resolve().name,
        dataset_sha256=dataset.digest if dataset.info else None,
        told={**model.known(), **passed_on},
    )
    return Planned(sources, predictions.root, dataset.root, shown_images, settled)


def _value_range(dataset: Dataset) -> ValueRange | None:
    prepared = dataset_preparation(dataset.info)
    return prepared.range if prepared else None

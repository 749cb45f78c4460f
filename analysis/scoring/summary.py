"""All images of a report together: totals, tables and order. `analysis.report.scores_json` and
`analysis.report.csv_tables` write them down."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from analysis.options import ScoringOptions
from analysis.scoring.count_totals import CollectedTotals, NamedTotals, ObjectTotals, Totals, totals_of
from analysis.scoring.image_report import Examined
from analysis.scoring.image_scores import mean_over_images, with_absent
from analysis.scoring.intervals import Intervals, bootstrap
from analysis.scoring.judged import Judged
from analysis.scoring.kept_images import CollectedImages, KeptImages
from analysis.scoring.patterns.attribute_scores import AttributeScores, attribute_scores
from analysis.scoring.patterns.looking import Patterns, PatternsCollected
from analysis.scoring.patterns.places import Frame
from analysis.scoring.scores import Scores
from analysis.scoring.thresholds import ProbabilityCounts
from formats.arrays import Ints
from formats.classes import ClassTable
from formats.disk.value_file import ValueFile

_MOST_VALUES = 200
"""An attribute with more values than this names images rather than kinds of them."""


@dataclass(frozen=True)
class TableRow:
    """The pooled scores of one group, or of one value of an attribute."""

    name: str
    images: int
    scores: Scores


@dataclass(frozen=True, eq=False)
class Table(Sequence[TableRow]):
    """A row for each group, or each value of an attribute, made when it is asked for: as many as images, maybe."""

    names: Sequence[str]
    images: Ints
    scores: Scores

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> TableRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[TableRow]: ...
    def __getitem__(self, place: int | slice) -> TableRow | list[TableRow]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return TableRow(self.names[place], int(self.images[place]), self.scores[place])


@dataclass(frozen=True)
class Summary:
    """A scored set of predictions. `images`, `groups` and each table of `attributes` are worst first;
    `probabilities` is None where not all images have them."""

    classes: ClassTable
    scoring: ScoringOptions
    totals: ObjectTotals
    overall: Scores
    per_image_mean: Scores
    intervals: Intervals
    images: KeptImages
    groups: Table
    attributes: Mapping[str, Table]
    probabilities: ProbabilityCounts | None
    judged: Judged
    patterns: Patterns
    attribute_scores: Mapping[str, AttributeScores]


def summarise(
    examined: Iterable[Examined], classes: ClassTable, scoring: ScoringOptions, frame: Frame, file: ValueFile
) -> Summary:
    """Sum up the images, of which there is one or more, as they come; what is kept of each is read from the file."""
    collected = _Collected(PatternsCollected(frame, len(classes)), CollectedImages(file))
    for each in examined:
        collected.add(each)
    totals = collected.totals
    scores = with_absent(collected.images.scores, totals.confusion)
    groups = collected.groups.totals()
    intervals = bootstrap(groups, scores, collected.images.groups, scoring.draws, scoring.seed)
    images = collected.images.worst_first(scores)  # behind what takes most memory
    return Summary(
        classes=classes,
        scoring=scoring,
        totals=totals,
        overall=totals.scores(),
        per_image_mean=mean_over_images(scores),
        intervals=intervals,
        images=images,
        groups=_table(groups),
        attributes=_attribute_tables(collected.attributes),
        probabilities=collected.probabilities,
        judged=collected.judged,
        patterns=collected.patterns.patterns(np.argsort(images.order)),
        attribute_scores=attribute_scores(images, scoring.draws, scoring.seed),
    )


class _Collected:
    """What is kept of images as they pass."""

    def __init__(self, patterns: PatternsCollected, images: CollectedImages) -> None:
        self.patterns = patterns
        self.images = images
        self.groups = CollectedTotals()
        self.attributes: dict[str, CollectedTotals] = {}
        self.judged = Judged(0, 0)
        self._totals: ObjectTotals | None = None
        self.probabilities: ProbabilityCounts | None = None

    @property
    def totals(self) -> ObjectTotals:
        if self._totals is None:
            raise ValueError("no image to sum up")
        return self._totals

    def add(self, each: Examined) -> None:
        report, one = each.report, totals_of(each.measured)
        self.patterns.add(each.seen)
        self.judged += report.judged
        self._totals = one if self._totals is None else self._totals + one
        pixels = Totals(one.images, one.confusion, one.boundaries)
        self.images.add(report, self.groups.add(report.group, pixels))
        for name, value in report.attributes.items():
            table = self.attributes.setdefault(name, CollectedTotals())
            if value in table.numbers or len(table.numbers) <= _MOST_VALUES:  # one more is enough to leave it out
                table.add(value, pixels)
        if each.probabilities:
            known = self.probabilities
            self.probabilities = each.probabilities if known is None else known + each.probabilities


def _attribute_tables(attributes: Mapping[str, CollectedTotals]) -> dict[str, Table]:
    return {name: _table(each.totals()) for name, each in attributes.items() if 1 < len(each.numbers) <= _MOST_VALUES}


def _table(totals: NamedTotals) -> Table:
    """Lowest foreground IoU first; undefined last."""
    scores = totals.scores()
    iou = [math.inf if math.isnan(each) else each for each in scores.foreground_means("iou").tolist()]
    keys = list(zip(iou, totals.names, strict=True))
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    return Table([totals.names[number] for number in order.tolist()], totals.images[order], scores[order])

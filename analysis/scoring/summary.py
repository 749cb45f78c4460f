"""All images of a report together: totals, tables and order. `analysis.report.scores_json` and
`analysis.report.csv_tables` write them down."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np

from analysis.options import ScoringOptions
from analysis.scoring.count_totals import ObjectTotals, Totals, totals_of
from analysis.scoring.image_report import Examined, ImageReport
from analysis.scoring.image_scores import mean_over_images, with_absent
from analysis.scoring.intervals import Intervals, bootstrap
from analysis.scoring.judged import Judged
from analysis.scoring.patterns.attribute_scores import AttributeScores, attribute_scores
from analysis.scoring.patterns.looking import Patterns, PatternsCollected
from analysis.scoring.patterns.places import Frame
from analysis.scoring.scores import Scores
from analysis.scoring.thresholds import ProbabilityCounts
from formats.classes import ClassTable

_MOST_VALUES = 200
"""An attribute with more values than this names images rather than kinds of them."""


@dataclass(frozen=True)
class TableRow:
    """The pooled scores of one group, or of one value of an attribute."""

    name: str
    images: int
    scores: Scores


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
    images: tuple[ImageReport, ...]
    groups: tuple[TableRow, ...]
    attributes: Mapping[str, tuple[TableRow, ...]]
    probabilities: ProbabilityCounts | None
    judged: Judged
    patterns: Patterns
    attribute_scores: Mapping[str, AttributeScores]


def summarise(examined: Iterable[Examined], classes: ClassTable, scoring: ScoringOptions, frame: Frame) -> Summary:
    """Sum up the images, of which there is one or more, as they come."""
    collected = _Collected(PatternsCollected(frame, len(classes)))
    for each in examined:
        collected.add(each)
    totals = collected.totals
    images = collected.images
    for number, image in enumerate(images):  # each in its own place: all of them twice are gigabytes of many
        images[number] = replace(image, scores=with_absent(image.scores, totals.confusion))
    scores = [image.scores for image in images]
    groups = [image.group for image in images]
    order = sorted(range(len(images)), key=lambda number: worst_first(images[number]))
    worst = tuple(images[number] for number in order)
    return Summary(
        classes=classes,
        scoring=scoring,
        totals=totals,
        overall=totals.scores(),
        per_image_mean=mean_over_images(scores),
        intervals=bootstrap(collected.groups, scores, groups, scoring.draws, scoring.seed),
        images=worst,
        groups=_table(collected.groups),
        attributes=_attribute_tables(collected.attributes),
        probabilities=collected.probabilities,
        judged=reduce(add, (image.judged for image in images)),
        patterns=collected.patterns.patterns(np.argsort(order)),
        attribute_scores=attribute_scores(worst, scoring.draws, scoring.seed),
    )


class _Collected:
    """What is kept of images as they pass."""

    def __init__(self, patterns: PatternsCollected) -> None:
        self.patterns = patterns
        self.images: list[ImageReport] = []
        self.groups: dict[str, Totals] = {}
        self.attributes: dict[str, dict[str, Totals]] = {}
        self._totals: ObjectTotals | None = None
        self.probabilities: ProbabilityCounts | None = None

    @property
    def totals(self) -> ObjectTotals:
        if self._totals is None:
            raise ValueError("no image to sum up")
        return self._totals

    def add(self, each: Examined) -> None:
        report, one = each.report, totals_of(each.measured)
        self.images.append(report)
        self.patterns.add(each.seen)
        self._totals = one if self._totals is None else self._totals + one
        pixels = Totals(one.images, one.confusion, one.boundaries)
        _add_to(self.groups, report.group, pixels)
        for name, value in report.attributes.items():
            table = self.attributes.setdefault(name, {})
            if value in table or len(table) <= _MOST_VALUES:  # one more is enough to leave it out
                _add_to(table, value, pixels)
        if each.probabilities:
            known = self.probabilities
            self.probabilities = each.probabilities if known is None else known + each.probabilities


def _add_to(table: dict[str, Totals], name: str, one: Totals) -> None:
    known = table.get(name)
    table[name] = one if known is None else known + one


def _attribute_tables(attributes: Mapping[str, Mapping[str, Totals]]) -> dict[str, tuple[TableRow, ...]]:
    return {name: _table(values) for name, values in attributes.items() if 1 < len(values) <= _MOST_VALUES}


def _table(totals: Mapping[str, Totals]) -> tuple[TableRow, ...]:
    rows = (TableRow(name, each.images, each.scores()) for name, each in totals.items())
    return tuple(sorted(rows, key=_worst_row_first))


def worst_first(image: ImageReport) -> tuple[float, int, str]:
    """Lowest foreground IoU first, then most wrong pixels; undefined (rightly empty) last."""
    iou = image.scores.foreground_mean("iou")
    wrong = image.false_positive_pixels + image.missed_pixels
    return (math.inf if math.isnan(iou) else iou, -wrong, image.stem)


def _worst_row_first(row: TableRow) -> tuple[float, str]:
    iou = row.scores.foreground_mean("iou")
    return (math.inf if math.isnan(iou) else iou, row.name)

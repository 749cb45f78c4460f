"""images.csv of a comparison: each image's scores in each report, and how they differ, for a spreadsheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from typing import Any

from analysis.comparison.compare import by_disagreement
from analysis.comparison.scored import ReportScores, compared_metrics
from formats.arrays import Floats
from formats.texts.csv_text import sheet_lines


def images_to_csv(reports: Sequence[ReportScores]) -> Iterator[str]:
    """One row per image that is compared, the largest disagreement first; an undefined score is an empty cell. A
    difference is the first report's score less the second's."""
    stems = [stem for stem, _ in by_disagreement(reports)]
    columns = dict(_columns(reports, stems))
    attributes = list(dict.fromkeys(name for stem in stems for name in reports[0].images[stem].attributes))
    rows = (
        [stem, image.group, *(_cell(column[place]) for column in columns.values()), *_of(image.attributes, attributes)]
        for place, (stem, image) in enumerate((stem, reports[0].images[stem]) for stem in stems)
    )
    return sheet_lines(chain([["stem", "group", *columns, *attributes]], rows))


def _of(known: Any, names: Sequence[str]) -> list[str]:
    return [known.get(name, "") for name in names]


def _columns(reports: Sequence[ReportScores], stems: Sequence[str]) -> Iterator[tuple[str, Floats]]:
    """By heading the values of each image: of each score the mean over the foreground classes, then each class."""
    names = reports[0].scores["classes"][1:]
    for metric in compared_metrics():
        values = [report.values(stems, metric.key) for report in reports]
        for place, name in enumerate(["", *names] if len(names) > 1 else [""]):
            score = f"{metric.key}_{name}" if name else metric.key
            for report, scores in zip(reports, values, strict=True):
                yield f"{score} of {report.name}", scores[:, place]
            for (a, ours), (b, theirs) in combinations(zip(reports, values, strict=True), 2):
                yield f"{score}: {a.name} less {b.name}", ours[:, place] - theirs[:, place]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"

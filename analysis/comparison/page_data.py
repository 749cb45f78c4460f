"""What the comparison's script knows: columns of all images that are compared, thumbnails of some."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from analysis.comparison.compare import by_disagreement
from analysis.comparison.pooled import find_layers
from analysis.comparison.scored import ReportScores, compared_metrics
from analysis.drawing.colours import AgreementColours
from analysis.drawing.thumbnails import draw_thumbnail
from analysis.report.page.page_data import MOST_IMAGES, coded, palettes
from analysis.report_files import IMAGE_COLUMNS, layer_name
from analysis.scoring.components import LISTED
from analysis.scoring.intervals import LEVEL
from formats.parallel import available_cores

DRAWN = 60
"""So many images that the reports disagree on most keep their thumbnails inside the page,"""
MOST_LETTERS = 1_400_000
"""if they take no more of it than that."""
MOST_VALUES = 150_000
"""Scores of classes stand inside the page where all are no more, about 1 MB; else in images.csv alone."""
SCALE = 1_000_000
"""Scores are whole numbers of so many parts: six places, as in images.csv, and no point to write."""


def page_data(reports: Sequence[ReportScores], folders: Sequence[str], colours: AgreementColours) -> dict[str, Any]:
    """Columns by place of the image, the largest disagreement first. `scores` are by key a list for each report: of the
    mean over the foreground classes, and where `by_class` says so of each class; in parts of SCALE, null where
    undefined. `folders` are the reports' addresses."""
    stems = [stem for stem, _ in by_disagreement(reports)]
    names = reports[0].scores["classes"]
    first = [reports[0].images[stem] for stem in stems]
    keys = [metric.key for metric in compared_metrics()]
    by_class = len(names) > 2 and len(stems) * len(names) * len(reports) * len(keys) <= MOST_VALUES
    return {
        "names": names,
        "mostTold": LISTED,
        **palettes(len(names), colours),
        "scale": SCALE,
        "level": LEVEL,
        "metrics": [{"key": metric.key, "label": metric.label} for metric in compared_metrics()],
        "reports": [{"name": report.name, "folder": folder} for report, folder in zip(reports, folders, strict=True)],
        "stems": stems,
        "group": coded([image.group for image in first]),
        "width": [image.size[0] for image in first],
        "height": [image.size[1] for image in first],
        "attributes": _attributes(reports, stems),
        "byClass": by_class,
        "scores": {key: [_columns(report, stems, key, by_class=by_class) for report in reports] for key in keys},
        "thumbnails": thumbnails(reports, stems),
    }


def _columns(report: ReportScores, stems: Sequence[str], key: str, *, by_class: bool) -> list[list[int | None]]:
    columns = report.values(stems, key).T.tolist()
    return [[_parts(value) for value in column] for column in (columns if by_class else columns[:1])]


def _parts(value: float) -> int | None:
    """Never rounded up to a perfect 1 or down to a clean 0."""
    if math.isnan(value):
        return None
    inner = 0 < value < 1
    return min(max(round(value * SCALE), int(inner)), SCALE - int(inner))


def _attributes(reports: Sequence[ReportScores], stems: Sequence[str]) -> dict[str, Any]:
    """Those that all reports tell, alike of each image."""
    names = dict.fromkeys(name for stem in stems for name in reports[0].images[stem].attributes)
    columns = {
        name: [[report.images[stem].attributes.get(name) for stem in stems] for report in reports] for name in names
    }
    return {name: coded(column[0]) for name, column in columns.items() if all(each == column[0] for each in column)}


_OF_IMAGES = ("stems", "group", "width", "height", "attributes", "scores")
"""What of the page's data has an entry for each image."""


def divided(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The page's data, and of more than MOST_IMAGES what lies in a file beside it: then the page has of the columns no
    more than the first DRAWN of `count` images."""
    count = len(data["stems"])
    if count <= MOST_IMAGES:
        return dict(data), None
    beside = {name: data[name] for name in _OF_IMAGES}
    first = {
        **{name: beside[name][:DRAWN] for name in ("stems", "width", "height")},
        "group": _first(beside["group"]),
        "attributes": {name: _first(column) for name, column in beside["attributes"].items()},
        "scores": {
            key: [[column[:DRAWN] for column in report] for report in by_report]
            for key, by_report in beside["scores"].items()
        },
    }
    return {**data, **first, "count": count, "imagesBeside": IMAGE_COLUMNS}, beside


def _first(column: Mapping[str, Any]) -> dict[str, Any]:
    return coded([None if code is None else column["values"][code] for code in column["of"][:DRAWN]])


def thumbnails(reports: Sequence[ReportScores], stems: Sequence[str]) -> dict[int, Any]:
    """By place what the page holds of the images that differ most: the `image`, and `pairs` by each report with their
    `width` and `height`, None where it lacks the files."""
    with ThreadPoolExecutor(available_cores()) as pool:
        drawn = pool.map(lambda stem: _thumbnail(reports, stem), stems[:DRAWN])
        kept, letters = {}, 0
        for place, thumbnail in enumerate(drawn):
            letters += _letters(thumbnail) if thumbnail else 0
            if thumbnail and letters <= MOST_LETTERS:
                kept[place] = thumbnail
    return kept


def _letters(thumbnail: Mapping[str, Any]) -> int:
    return len(thumbnail["image"]) + sum(len(each["pairs"]) for each in thumbnail["pairs"] if each)


def _thumbnail(reports: Sequence[ReportScores], stem: str) -> dict[str, Any] | None:
    drawn = [draw_thumbnail(report.folder, stem) if _has_files(report, stem) else None for report in reports]
    known = next(filter(None, drawn), None)
    return known and {"image": known["image"], "pairs": [each and _without(each, "image") for each in drawn]}


def _without(known: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name != key}


def _has_files(report: ReportScores, stem: str) -> bool:
    return (report.folder / layer_name("image", stem)).is_file() and find_layers(report, stem) is not None

"""The comparison: a folder with a page that shows reports side by side, comparison.json and images.csv."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.comparison.compare import compare
from analysis.comparison.curves import common_curves
from analysis.comparison.page_data import divided, page_data
from analysis.comparison.reading import read_reports
from analysis.comparison.scored import ReportScores, compared_metrics
from analysis.comparison.settings import NOT_KNOWN, NOT_SET, about_datasets, settings
from analysis.comparison.tables import images_to_csv
from analysis.drawing.colours import AGREEMENT_COLOURS, AgreementColours, ColourScheme
from analysis.report.page.layout import model_facts
from analysis.report.page.page_data import columns_script
from analysis.report.page.sections import foreground_mean
from analysis.report.page.viewer_scripts import BESIDE, VIEWER
from analysis.report_files import IMAGE_COLUMNS, IMAGES, PAGE
from analysis.scoring.scores import METRICS
from formats.console import say
from formats.disk.whole_files import write_lines, write_text
from formats.disk.whole_folders import staged_folder
from formats.pages.templating import render
from formats.texts.json_text import format_json

_SCRIPTS = (
    BESIDE,
    "compare/viewed.js",
    *VIEWER,
    "compare/choice.js",
    "compare/scatter.js",
    "compare/chances.js",
    "compare/groups.js",
    "compare/gallery.js",
)
"""In the order in which they build on one another: one scope holds all."""
_POOLED = ("iou", "dice", "precision", "recall", "false_positive_rate")


def write_comparison(
    folders: Sequence[Path], out: Path, *, common: bool = False, overwrite: bool = False
) -> dict[str, Any]:
    """Write the folder `out` and return what its comparison.json holds. Raises SagesegError as
    `analysis.comparison.reading.read_reports` does, and where a file of a report's layers is damaged."""
    reports = read_reports(folders, common=common)
    comparison = compare(reports)
    if comparison["grouped_otherwise"]:
        others = ", ".join(comparison["grouped_otherwise"])
        say(f"note: images are grouped as in {reports[0].name}, for intervals too; {others} groups them otherwise")
    with staged_folder(out, overwrite=overwrite) as stage:
        write_text(stage / "comparison.json", format_json(comparison) + "\n")
        write_lines(stage / IMAGES, images_to_csv(reports))
        addresses = [address(report.folder, out) for report in reports]
        data, beside = divided(page_data(reports, addresses, _colours(reports)))
        if beside:
            (stage / IMAGE_COLUMNS).parent.mkdir()
            write_lines(stage / IMAGE_COLUMNS, columns_script(beside))
        write_text(stage / PAGE, render_comparison(comparison, reports, data))
    return comparison


def render_comparison(comparison: Mapping[str, Any], reports: Sequence[ReportScores], data: Mapping[str, Any]) -> str:
    """The comparison's page as HTML; `data` is what its scripts read."""
    folders = [report["folder"] for report in data["reports"]]
    differing, same = settings(reports)
    pooled = [report["name"] for report in comparison["reports"] if report["overall"] is None]
    _tell_missing(pooled, data["thumbnails"], [report.name for report in reports])
    values = {
        "title": " against ".join(report.name for report in reports) if len(reports) == 2 else f"{len(reports)} models",
        "comparison": comparison,
        "foreground": comparison["classes"][1:],
        "metrics": compared_metrics(),
        "metric_of": {metric.key: metric for metric in METRICS},
        "pages": [f"{folder}{PAGE}" for folder in folders],
        "datasets": about_datasets(reports),
        "pooled": [_pooled(report["overall"], comparison["classes"][1:]) for report in comparison["reports"]],
        "not_pooled": pooled,
        "facts": [dict(model_facts(report.model)) for report in reports],
        "differing": differing,
        "same": same,
        "missing": (NOT_KNOWN, NOT_SET),
        "whisker": whisker,
        "reach": [_reach(pair) for pair in comparison["differences"]],
        "intervals": _number_of_intervals(comparison["differences"]),
        "curves": common_curves({report.name: report.model.epochs for report in reports}),
        "data": data,
        "legend": _colours(reports).legend(),
    }
    return render("analysis", "compare/compare.html", _SCRIPTS, values)


def address(report: Path, out: Path) -> str:
    """The folder of a report as an address from the comparison's folder; it ends with a slash."""
    return quote(Path(os.path.relpath(report.resolve(), out.resolve())).as_posix()) + "/"


def _colours(reports: Sequence[ReportScores]) -> AgreementColours:
    """Those of the first report, for all."""
    known = reports[0].scores.get("colors")
    return AGREEMENT_COLOURS[ColourScheme(known) if known in list(ColourScheme) else ColourScheme.DEFAULT]


def _tell_missing(pooled: Sequence[str], drawn: Mapping[int, Any], names: Sequence[str]) -> None:
    """Say which reports lack files of which more could be shown."""
    if pooled:
        say(f"note: no pooled scores of {', '.join(pooled)}, for they would need its layers/ folder")
    bare = [name for place, name in enumerate(names) if not any(each["pairs"][place] for each in drawn.values())]
    if bare:
        say(f"note: no images of {', '.join(bare)}, for layers/ lacks them: make the report again to see them")


def _pooled(overall: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, float | None]:
    return {key: foreground_mean(overall.get(key) or {}, names) if overall else None for key in _POOLED}


@dataclass(frozen=True)
class Whisker:
    """A mean difference and its interval, in per cent across a box whose middle is 0."""

    mean: float
    low: float
    high: float


def _reach(pair: Mapping[str, Any]) -> float:
    """How far from 0 a pair's scale goes: a little farther than any of its differences and intervals."""
    lines = [pair, *pair["classes"].values()]
    every = [line[metric.key] for line in lines for metric in compared_metrics()]
    known = [each for each in every if each["mean"] is not None]
    ends = [abs(value) for each in known for value in (each["mean"], *(each["interval"] or ()))]
    return 1.1 * max(ends, default=0) or 1


def whisker(difference: Mapping[str, Any], reach: float) -> Whisker | None:
    """A difference to the scale of its pair; None where it is undefined."""
    if difference["mean"] is None:
        return None
    low, high = difference["interval"] or (difference["mean"], difference["mean"])
    return Whisker(*(50 + 50 * value / reach for value in (difference["mean"], low, high)))


def _number_of_intervals(differences: Sequence[Mapping[str, Any]]) -> int:
    """How many the page shows; the only class is the mean."""
    lines = [
        line for pair in differences for line in (pair, *(pair["classes"].values() if len(pair["classes"]) > 1 else ()))
    ]
    return sum(line[metric.key]["interval"] is not None for line in lines for metric in compared_metrics())

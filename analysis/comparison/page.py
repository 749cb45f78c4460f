"""The comparison: a folder with a page that shows reports side by side, and comparison.json."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import simplejpeg

from analysis.comparison.compare import compare
from analysis.comparison.reading import ReportScores, common_stems, compared_metrics, read_reports
from analysis.drawing.colours import AGREEMENT_COLOURS, Colour, ColourScheme
from analysis.drawing.overlays import difference_of
from analysis.drawing.shrink import data_uri, shrink
from analysis.report.charts import common_curves
from analysis.report.page import model_facts
from analysis.report.sections import foreground_mean
from analysis.report_files import PAGE, layer_name
from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.pages.templating import render
from formats.texts.json_text import format_json
from formats.texts.wording import UNDEFINED

SHOWN = 8
"""How many of the images that the reports disagree on are shown."""
SCATTERS = 6
_WIDTH = 360


def write_comparison(
    folders: Sequence[Path], out: Path, *, common: bool = False, overwrite: bool = False
) -> dict[str, Any]:
    """Write the folder `out` and return what its comparison.json holds. Raises SagesegError as
    `analysis.comparison.reading.read_reports` does."""
    reports = read_reports(folders, common=common)
    comparison = compare(reports)
    with staged_folder(out, overwrite=overwrite) as stage:
        text = format_json(comparison) + "\n"
        write_text(stage / "comparison.json", text)
        write_text(stage / PAGE, render_comparison(comparison, reports, out))
    return comparison


def render_comparison(comparison: Mapping[str, Any], reports: Sequence[ReportScores], out: Path) -> str:
    """The comparison's page as HTML, for the folder `out`."""
    names = comparison["classes"][1:]
    shown = [each["stem"] for each in comparison["disagreements"][:SHOWN]]
    values = {
        "title": " against ".join(report.name for report in reports) if len(reports) == 2 else f"{len(reports)} models",
        "comparison": comparison,
        "metrics": compared_metrics(),
        "links": {report.name: _address(report.folder, out) for report in reports},
        "pooled": {report["name"]: _pooled(report["overall"], names) for report in comparison["reports"]},
        "models": side_by_side([dict(model_facts(report.model)) for report in reports]),
        "hyperparameters": side_by_side([report.model.hyperparameters for report in reports]),
        "same_images": all(report["left_out"] == 0 for report in comparison["reports"]),
        "whiskers": _whiskers(comparison["differences"]),
        "scatters": [scatter(a, b) for a, b in islice(combinations(reports, 2), SCATTERS)],
        "curves": common_curves({report.name: report.model.epochs for report in reports}),
        "drawn": [[_draw_difference(report, stem) for report in reports] for stem in shown],
        "legend": _legend(reports),
    }
    return render("analysis", "compare/compare.html", ("tables.js",), values)


def side_by_side(tables: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Every key that any table has, in order of appearance, with the value of each; a dash for none."""
    keys = dict.fromkeys(key for table in tables for key in table)
    return {key: [table.get(key, UNDEFINED) for table in tables] for key in keys}


def _pooled(overall: Mapping[str, Any], names: Sequence[str]) -> list[float | None]:
    return [foreground_mean(overall[key], names) for key in ("precision", "recall", "false_positive_rate")]


def _address(report: Path, out: Path) -> str:
    return quote(Path(os.path.relpath(report.resolve() / PAGE, out.resolve())).as_posix())


@dataclass(frozen=True)
class Whisker:
    """A mean difference and its interval, in per cent across a box whose middle is 0."""

    mean: float
    low: float
    high: float


def _whiskers(differences: Sequence[Mapping[str, Any]]) -> list[Whisker | None]:
    """One for each pair's IoU, all to one scale."""
    iou = [pair["iou"] for pair in differences]
    ends = [
        abs(value) for each in iou if each["mean"] is not None for value in (each["mean"], *(each["interval"] or ()))
    ]
    reach = 1.1 * max(ends, default=0) or 1
    return [_whisker(each, reach) if each["mean"] is not None else None for each in iou]


def _whisker(difference: Mapping[str, Any], reach: float) -> Whisker:
    low, high = difference["interval"] or (difference["mean"], difference["mean"])
    mean, low, high = (50 + 50 * value / reach for value in (difference["mean"], low, high))
    return Whisker(mean, low, high)


@dataclass(frozen=True)
class Scatter:
    """The images' IoU in two reports, as points of a 100 × 100 box from `low` to 1 on both axes."""

    across: str
    up: str
    low: float
    points: list[tuple[str, float, float, float, float]]


def scatter(a: ReportScores, b: ReportScores) -> Scatter:
    """Each image as (stem, x, y, IoU in a, IoU in b); those without a score in either are left out."""
    pairs = [(stem, a.images[stem].mean("iou"), b.images[stem].mean("iou")) for stem in common_stems([a, b])]
    known = [(stem, one, other) for stem, one, other in pairs if one == one and other == other]  # noqa: PLR0124
    low = min((value for _, one, other in known for value in (one, other)), default=0.0)
    floor = max(0.0, min(np.floor(20 * low) / 20, 0.95))
    span = 1 - floor
    points = [
        (stem, 100 * (one - floor) / span, 100 - 100 * (other - floor) / span, one, other) for stem, one, other in known
    ]
    return Scatter(a.name, b.name, float(floor), points)


def _legend(reports: Sequence[ReportScores]) -> tuple[tuple[str, Colour], ...]:
    """What the colours of the differences mean; nothing where the reports were drawn in different ones."""
    schemes = {report.scores.get("colors") for report in reports}
    known = schemes if len(schemes) == 1 else set()
    return next((AGREEMENT_COLOURS[scheme].legend() for scheme in ColourScheme if scheme in known), ())


def _draw_difference(report: ReportScores, stem: str) -> str | None:
    """The difference of an image as the report draws it; None where it has none."""
    colours = AGREEMENT_COLOURS.get(report.scores.get("colors", ""))
    if colours is None or not (report.folder / layer_name("pairs", stem)).is_file():
        return None
    width, height = report.images[stem].size
    size = (min(_WIDTH, width), max(1, round(height * min(_WIDTH, width) / width)))
    drawn = shrink(difference_of(report.folder, stem, colours), size)
    return data_uri("jpeg", simplejpeg.encode_jpeg(drawn, 80, "RGB", "420"))

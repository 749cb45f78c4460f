"""index.html: what the report says, laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.drawing.colours import AgreementColours
from analysis.drawing.ramps import ramp_of
from analysis.drawing.tints import class_colours
from analysis.masks.cleaning import cleaning_words
from analysis.report.judged_share import judged_share, why_unjudged
from analysis.report.made import head
from analysis.report.page import sections
from analysis.report.page.absent import absent
from analysis.report.page.viewer_scripts import BESIDE, VIEWER
from analysis.report.plots.edge_words import crop_edge_words
from analysis.scoring.scores import PIXEL_ACCURACY
from formats.pages.templating import render
from formats.predictions import ModelFacts
from formats.texts.wording import format_seconds

MOST_GROUPS = 200
"""So many are read in a table; where each image is a group of its own, all would be most of the page."""
_SCRIPTS = (
    BESIDE,
    "report/images.js",
    "report/class_columns.js",
    "report/viewed.js",
    *VIEWER,
    "report/filters.js",
    "report/sorts.js",
    "report/gallery.js",
    "report/image_table.js",
    "report/chosen.js",
    "report/view_address.js",
    "report/controls.js",
    "report/find.js",
    "report/axes.js",
    "report/plots.js",
    "report/lines.js",
    "report/bars.js",
    "report/heat_map.js",
    "report/areas_plot.js",
    "report/attribute_plots.js",
)
"""In the order in which they build on one another: one scope holds all."""


@dataclass(frozen=True)
class PageImages:
    """What the page shows beside numbers: how many thumbnails, close-ups of wrong objects and of suspicious labels in
    the order in which scores.json lists them, and how many images have a full-size overlay."""

    thumbnails: int
    close_ups: Mapping[str, Sequence[str]]
    grey_images: int
    strips: bool
    overlays: int


def render_page(
    title: str,
    scores: Mapping[str, Any],
    model: ModelFacts,
    data: Mapping[str, Any],
    shown: PageImages,
    colours: AgreementColours,
) -> str:
    """The whole page as HTML. `scores` is the content of scores.json, `data` what the page's scripts read, with `plots`
    as `plots_data` tells them."""
    names, plots = scores["classes"], data["plots"]
    values = {
        "title": title,
        "scores": scores,
        "made": head(scores["made"], scores["job"]),
        "absent": absent(scores, shown.grey_images),
        "columns": sections.columns(scores),
        "judged": judged_share(scores["judged"]),
        "unjudged": why_unjudged(scores["judged"]),
        "cleaned": cleaning_words(scores.get("cleaned", [])),
        "main": sections.headline_scores(scores),
        "others": sections.other_scores(scores),
        "groups": sections.rows(scores["groups"], scores, MOST_GROUPS),
        "attributes": {name: sections.rows(table, scores) for name, table in (scores.get("attributes") or {}).items()},
        "shares": [[cell / sum(row) if sum(row) else None for cell in row] for row in scores["confusion"]],
        "close_ups": shown.close_ups,
        "grey_images": shown.grey_images,
        "overlays": shown.overlays,
        "inside": shown.thumbnails,
        "data": data,
        "strips": shown.strips,
        "legend": colours.legend(),
        "ramps": {"wrong": ramp_of(colours.wrong), "missed": ramp_of(colours.missed)},
        "swatches": class_colours(len(names)),
        "facts": [fact for fact in model_facts(model) if fact[1] != title],
        "hyperparameters": model.hyperparameters,
        "plots": plots,
        "edge_words": crop_edge_words(scores.get("crop_edges")),
        "curves": plots.get("training"),
        "pixel_accuracy_formula": PIXEL_ACCURACY,
    }
    return render("analysis", "report/report.html", _SCRIPTS, values)


def model_facts(model: ModelFacts) -> list[tuple[str, str]]:
    """What is known of the model and its training, as (label, text)."""
    facts = {
        "Job": model.job,
        "Artefact": model.artefact,
        "Backend": model.backend,
        "Algorithm": model.algorithm,
        "Backbone": model.backbone,
        "Instance": model.instance_type,
        "Training time": None if model.seconds is None else format_seconds(model.seconds),
        "Cost": None if model.cost_usd is None else _dollars(model.cost_usd),
        "Epochs": str(len(model.epochs)) if model.epochs else None,
    }
    return [(label, text) for label, text in facts.items() if text]


def _dollars(usd: float) -> str:
    """With cents, and never rounded to nothing."""
    return "<0.01 USD" if 0 < usd < 0.005 else f"{usd:,.2f} USD"

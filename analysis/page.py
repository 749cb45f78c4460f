"""index.html: what the report says, laid out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.charts import histogram, training_curves
from analysis.colours import AgreementColours, Colour
from analysis.examine import overlay_name
from analysis.scores import METRICS, PIXEL_ACCURACY, ratio
from analysis.summary import Summary
from analysis.thumbnails import mask_palette

UNDEFINED = "–"
MANY_CLASSES = 4
"""With more foreground classes than this, headline and group table show their mean alone."""
_JOB_FACTS = (
    ("job", "Job"),
    ("artefact", "Artefact"),
    ("algorithm", "Algorithm"),
    ("backbone", "Backbone"),
    ("instance_type", "Instance"),
    ("cost_usd", "Cost in USD"),
)


@dataclass(frozen=True)
class Headline:
    label: str
    value: float
    meaning: str


def render_page(title: str, summary: Summary, colours: AgreementColours, job: Mapping[str, Any]) -> str:
    """The whole page as HTML; every text is escaped, nothing is loaded from elsewhere."""
    environment = Environment(
        loader=PackageLoader("analysis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        score=format_score, count=format_count, rgb=format_colour, overlay=_overlay_address, search=_search_text
    )
    epochs = job.get("epochs")
    return environment.get_template("report.html").render(
        title=title,
        summary=summary,
        metrics=METRICS,
        pixel_accuracy_formula=PIXEL_ACCURACY,
        main=headline_classes(summary),
        headline=headline(summary),
        shares=ratio(summary.confusion, summary.confusion.sum(axis=1, keepdims=True)).tolist(),
        bars=histogram([image.scores.foreground_mean("iou") for image in summary.images]),
        shown=[image for image in summary.images if image.stem in summary.layers],
        legend=colours.legend(),
        swatches=mask_palette(len(summary.classes)).tolist(),
        facts=[fact for fact in job_facts(job) if fact[1] != title],
        curves=training_curves(epochs) if isinstance(epochs, list) else [],
    )


def headline_classes(summary: Summary) -> list[Headline]:
    """The page's largest numbers: each foreground class's IoU, or their mean where they are many."""
    values = summary.overall.per_class["iou"].tolist()
    if len(values) - 1 > MANY_CLASSES:
        mean = summary.overall.foreground_mean("iou")
        return [Headline(f"Mean IoU of {len(values) - 1} foreground classes", mean, METRICS[0].meaning)]
    names = summary.classes.names
    return [
        Headline(f"IoU, {name}", value, METRICS[0].meaning) for name, value in zip(names[1:], values[1:], strict=True)
    ]


def headline(summary: Summary) -> list[Headline]:
    """The other scores of the foreground (their mean over classes) and the pixel accuracy."""
    overall = summary.overall
    rest = [Headline(each.label, overall.foreground_mean(each.key), each.meaning) for each in METRICS[1:]]
    return [*rest, Headline("Pixel accuracy", overall.pixel_accuracy, PIXEL_ACCURACY)]


def job_facts(job: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of the training, as (label, text)."""
    facts = [(label, str(job[key])) for key, label in _JOB_FACTS if job.get(key) not in (None, "")]
    seconds = job.get("seconds")
    if isinstance(seconds, int | float):
        facts.append(("Training time", format_seconds(seconds)))
    epochs = job.get("epochs")
    if isinstance(epochs, list) and epochs:
        facts.append(("Epochs", str(len(epochs))))
    return facts


def format_score(value: float) -> str:
    """Four places; but never rounded up to a perfect 1 or down to a clean 0."""
    if math.isnan(value):
        return UNDEFINED
    if 0 < value < 0.00005:
        return "<0.0001"
    if 0.99995 <= value < 1:
        return ">0.9999"
    return f"{value:.4f}"


def format_count(value: int) -> str:
    return f"{value:,}"


def format_colour(colour: Colour) -> str:
    red, green, blue = colour
    return f"rgb({red} {green} {blue})"


def format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _overlay_address(stem: str) -> str:
    return quote(overlay_name(stem))


def _search_text(image: Any) -> str:
    return " ".join([image.stem, image.group, image.split, *image.attributes.values()]).lower()

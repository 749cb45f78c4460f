"""index.html: what the report says, laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.drawing.colours import AgreementColours
from analysis.drawing.layers import class_colours
from analysis.report import sections
from analysis.report.charts import histogram, training_curves
from analysis.report.formatting import format_number, format_seconds
from analysis.report.gallery import gallery_data
from analysis.report.templating import render
from analysis.scoring.image_report import ImageReport
from analysis.scoring.scores import PIXEL_ACCURACY

_JOB_FACTS = (
    ("job", "Job"),
    ("artefact", "Artefact"),
    ("backend", "Backend"),
    ("algorithm", "Algorithm"),
    ("backbone", "Backbone"),
    ("instance_type", "Instance"),
)


@dataclass(frozen=True)
class Pictures:
    """What the page shows beside numbers: thumbnails by stem and layer, close-ups of wrong objects and of
    suspicious labels in the order in which scores.json lists them, and how many images have a full-size
    overlay."""

    thumbnails: Mapping[str, Mapping[str, str]]
    close_ups: Mapping[str, Sequence[str]]
    grey_images: int
    strips: bool
    overlays: int


def render_page(
    title: str,
    scores: Mapping[str, Any],
    images: Sequence[ImageReport],
    pictures: Pictures,
    colours: AgreementColours,
) -> str:
    """The whole page as HTML. `scores` is the content of scores.json, `images` are worst first."""
    names = scores["classes"]
    job = scores.get("job") or {}
    values = {
        "title": title,
        "scores": scores,
        "columns": sections.columns(scores),
        "main": sections.headline_scores(scores),
        "others": sections.other_scores(scores),
        "groups": sections.rows(scores["groups"], scores),
        "attributes": {name: sections.rows(table, scores) for name, table in (scores.get("attributes") or {}).items()},
        "shares": [[cell / sum(row) if sum(row) else None for cell in row] for row in scores["confusion"]],
        "bars": histogram([image.scores.foreground_mean("iou") for image in images]),
        "thresholds": sections.thresholds(scores),
        "errors": sections.errors(scores),
        "close_ups": pictures.close_ups,
        "grey_images": pictures.grey_images,
        "overlays": pictures.overlays,
        "inside": len(pictures.thumbnails),
        "gallery": gallery_data(images, pictures.thumbnails, pictures.strips, names),
        "legend": colours.legend(),
        "swatches": class_colours(len(names)),
        "facts": [fact for fact in job_facts(job) if fact[1] != title],
        "hyperparameters": job.get("hyperparameters") or {},
        "curves": training_curves(job.get("epochs") or []),
        "pixel_accuracy_formula": PIXEL_ACCURACY,
    }
    return render("report.html", ("tables.js", "viewer.js", "gallery.js"), values)


def job_facts(job: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of the training, as (label, text)."""
    facts = [(label, str(job[key])) for key, label in _JOB_FACTS if job.get(key) not in (None, "")]
    if isinstance(job.get("seconds"), int | float):
        facts.append(("Training time", format_seconds(job["seconds"])))
    if isinstance(job.get("cost_usd"), int | float):
        facts.append(("Cost", f"{format_number(job['cost_usd'])} USD"))
    if job.get("epochs"):
        facts.append(("Epochs", str(len(job["epochs"]))))
    return facts

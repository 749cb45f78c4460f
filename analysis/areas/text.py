"""Areas for a person at a terminal: aligned plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.report.scores_text import aligned
from formats.texts.wording import format_number, format_share


def format_areas(content: Mapping[str, Any]) -> str:
    """A line for each class of an areas.json, and what was compared with the truth below."""
    rows = [["class", "area", "of all", "images", "objects", "cut", "mean", "median", "largest"]]
    true = [["class", "true", "predicted", "ratio", "bias", "mean error", "correlation", "objects", "found"]]
    for name, each in content["classes"].items():
        objects, truth = each["objects"], each.get("truth")
        numbers = (
            each["images_with"],
            objects["count"],
            objects["cut"],
            *map(objects.get, ("mean", "median", "largest")),
        )
        rows.append([name, format_number(each["area"]), format_share(each["share"]), *map(format_number, numbers)])
        if truth:
            keys = ("true", "predicted", "ratio", "bias", "mean_absolute_error", "correlation", "true_objects", "found")
            true.append([name, *(format_number(truth[key]) for key in keys)])
    unit = f"areas in {content['unit']}; mean, median and largest are of objects"
    lines = [f"{content['images']} images, {unit}", "", *aligned(rows)]
    return "\n".join([*lines, *(["", "against the truth, per image", "", *aligned(true)] if len(true) > 1 else [])])

"""A comparison for a person at a terminal: aligned plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.comparison.reading import compared_metrics
from analysis.report.scores_text import aligned
from formats.predictions import read_model_facts
from formats.texts.wording import format_difference, format_score, format_seconds, format_share


def format_comparison(comparison: Mapping[str, Any]) -> str:
    """A comparison.json's models, one per line, then what tells each pair apart."""
    labels = [metric.label for metric in compared_metrics()]
    models = [["model", *labels, "IoU pooled", "training", "USD"], *map(_model, comparison["reports"])]
    pairs = [["difference", "IoU", "interval", "better", "worse", "same"], *map(_pair, comparison["differences"])]
    shared = [["images in common", str(comparison["images"])], ["groups", str(comparison["groups"])]]
    differently = comparison["judged_differently"]
    if differently:
        shared.append(["left out, judged differently", str(differently)])
    more = {report["name"]: report["left_out"] - differently for report in comparison["reports"]}
    shared += [[f"left out, not in all: {name}", str(number)] for name, number in more.items() if number]
    if any(report["left_out"] for report in comparison["reports"]):
        shared.append(["IoU pooled", "of each report's own images"])
    if comparison["judged_share"] != 1:
        shared.append(["judged", f"{format_share(comparison['judged_share'])} of their pixels"])
    return "\n".join([*aligned(models), "", *aligned(pairs), "", *aligned(shared)])


def _model(report: Mapping[str, Any]) -> list[str]:
    model = read_model_facts(report["job"], report["name"])
    return [
        report["name"],
        *(format_score(report["per_image_mean"][metric.key]) for metric in compared_metrics()),
        format_score(report["overall"]["mean_iou_foreground"]),
        "" if model.seconds is None else format_seconds(model.seconds),
        "" if model.cost_usd is None else f"{model.cost_usd:.2f}",
    ]


def _pair(pair: Mapping[str, Any]) -> list[str]:
    iou = pair["iou"]
    interval = " to ".join(map(format_difference, iou["interval"])) if iou["interval"] else "one group"
    counts = [str(iou[key]) for key in ("better", "worse", "same")]
    return [f"{pair['a']} – {pair['b']}", format_difference(iou["mean"]), interval, *counts]

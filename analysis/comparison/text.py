"""A comparison for a person at a terminal: aligned plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.comparison.scored import compared_metrics
from analysis.report.scores_text import aligned
from formats.predictions import read_model_facts
from formats.texts.wording import UNDEFINED, format_difference, format_score, format_seconds, format_share

_PAIR = ("IoU", "interval", "better", "worse", "same")


def format_comparison(comparison: Mapping[str, Any]) -> str:
    """A comparison.json's models, one per line, then what tells each pair apart."""
    labels = [metric.label for metric in compared_metrics()]
    models = [["model", *labels, "IoU pooled", "training", "USD"], *map(_model, comparison["reports"])]
    pairs = [["difference", *_PAIR], *map(_pair, comparison["differences"])]
    shared = [["images in common", str(comparison["images"])], ["groups", str(comparison["groups"])]]
    differently = comparison["judged_differently"]
    if differently:
        shared.append(["left out, judged differently", str(differently)])
    more = {report["name"]: report["left_out"] - differently for report in comparison["reports"]}
    shared += [[f"left out, not in all: {name}", str(number)] for name, number in more.items() if number]
    shared += [
        ["IoU pooled", f"not of {report['name']}: its layers/ folder has gone"]
        for report in comparison["reports"]
        if report["overall"] is None
    ]
    shared += [
        [f"IoU of one alone: {pair['a']} – {pair['b']}", f"{pair['iou']['one_sided']} images, in no difference"]
        for pair in comparison["differences"]
        if pair["iou"]["one_sided"]
    ]
    if comparison["judged_share"] != 1:
        shared.append(["judged", f"{format_share(comparison['judged_share'])} of their pixels"])
    classes = _by_class(comparison["differences"])
    return "\n".join([*aligned(models), "", *aligned(pairs), *classes, "", *aligned(shared)])


def _by_class(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The classes of a pair, where there are several classes, and no other pair."""
    if len(pairs) > 1 or len(pairs[0]["classes"]) < 2:
        return []
    lines = [_line(name, scores["iou"]) for name, scores in pairs[0]["classes"].items()]
    return ["", *aligned([["class", *_PAIR], *lines])]


def _model(report: Mapping[str, Any]) -> list[str]:
    model = read_model_facts(report["job"], report["name"])
    return [
        report["name"],
        *(format_score(report["per_image_mean"][metric.key]) for metric in compared_metrics()),
        format_score((report["overall"] or {}).get("mean_iou_foreground")),
        "" if model.seconds is None else format_seconds(model.seconds),
        "" if model.cost_usd is None else f"{model.cost_usd:.2f}",
    ]


def _pair(pair: Mapping[str, Any]) -> list[str]:
    return _line(f"{pair['a']} less {pair['b']}", pair["iou"])


def _line(name: str, iou: Mapping[str, Any]) -> list[str]:
    no_interval = UNDEFINED if iou["mean"] is None else "one group"
    interval = " to ".join(map(format_difference, iou["interval"])) if iou["interval"] else no_interval
    counts = [str(iou[key]) for key in ("better", "worse", "same")]
    return [name, format_difference(iou["mean"]), interval, *counts]

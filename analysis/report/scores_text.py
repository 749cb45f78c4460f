"""Scores for a person at a terminal: aligned plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.masks.cleaning import cleaning_words
from analysis.report.judged_share import judged_share, why_unjudged
from analysis.report.made import training_images
from analysis.scoring.scores import every_metric
from formats.console import result, result_json, say
from formats.texts.wording import UNDEFINED


def tell(
    content: Mapping[str, Any], as_text: Callable[[Mapping[str, Any]], str], page: Path, *, as_json: bool = False
) -> None:
    """Print what a page shows, as text or as JSON alone on stdout, and where the page is."""
    if as_json:
        result_json(content)
        say(str(page))
        return
    result(as_text(content))
    result(f"\n{page}")


def format_scores(scores: Mapping[str, Any]) -> str:
    """The headline of a scores.json: one line per class, then totals."""
    overall = scores["overall"]
    columns = [metric for metric in every_metric() if metric.heading]
    table = [["class", *(metric.heading for metric in columns)]]
    table += [[name, *(_number(overall[metric.key][name]) for metric in columns)] for name in scores["classes"]]
    totals = [
        ["mean IoU", _with_interval(scores, "mean_iou")],
        ["mean IoU of the foreground", _with_interval(scores, "mean_iou_foreground")],
        ["mean boundary IoU", _with_interval(scores, "mean_boundary_iou")],
        ["pixel accuracy", _with_interval(scores, "pixel_accuracy")],
        ["false positives", _objects(scores["false_positives"])],
        ["missed", _objects(scores["missed"])],
        ["images", str(scores["images"])],
    ]
    if scores["log_loss"] is not None:
        totals.append(["log-loss", _number(scores["log_loss"])])
    if scores["intervals"]["note"]:
        totals.append(["intervals", scores["intervals"]["note"]])
    cleaned = [f"masks cleaned: {line}" for line in cleaning_words(scores.get("cleaned", []))]
    cleaned += [""] * bool(cleaned)
    before = [*_judged(scores["judged"]), *_warned(scores["made"]["splits"]), *cleaned]
    return "\n".join([*before, *aligned(table), "", *aligned(totals)])


def _judged(judged: Mapping[str, Any]) -> list[str]:
    share = judged_share(judged)
    if share is None:
        return []
    return [f"{share}:", *(f"  {why} {command}".rstrip() for why, command in why_unjudged(judged)), ""]


def _warned(splits: Mapping[str, int]) -> list[str]:
    warning = training_images(splits)
    return [warning, ""] if warning else []


def _with_interval(scores: Mapping[str, Any], key: str) -> str:
    intervals, value = scores["intervals"], _number(scores["overall"][key])
    bounds = (intervals["overall"] or {}).get(key)
    if bounds is None:
        return value
    low, high = map(_number, bounds)
    return f"{value}  ({intervals['level'] * 100:.0f} %: {low} to {high}, over {intervals['groups']} groups)"


def _objects(wrong: Mapping[str, Any]) -> str:
    return f"{wrong['count']:,} objects, {wrong['pixels']:,} pixels"


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows with the first column to the left and the others, if there are several, to the right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    if len(widths) == 2:
        return [f"{row[0]:<{widths[0]}}  {row[1]}" for row in table]
    return [
        "  ".join(
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]

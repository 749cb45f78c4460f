"""A report's scores as a plain list, for programs that know numbers by a name alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.scoring.scores import ACCURACY, every_metric
from formats.texts.told_scores import ToldScore


def told_scores(scores: Mapping[str, Any]) -> list[ToldScore]:
    """The scores over all pixels of a scores.json that was read, the means first; what is undefined is left out."""
    means = [*(name for metric in every_metric() for name in metric.means), ACCURACY]
    intervals = (scores.get("intervals") or {}).get("overall") or {}
    return [
        ToldScore(name, value, *(ends or (None, None)))
        for name, value, ends in _pairs(scores["overall"], intervals, means)
        if value is not None
    ]


def _pairs(
    overall: Mapping[str, Any], intervals: Mapping[str, Any], means: list[str]
) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and interval of each score."""
    for name in means:
        yield name, overall.get(name), intervals.get(name)
    for metric in every_metric():
        ends = intervals.get(metric.key) or {}
        for of, value in (overall.get(metric.key) or {}).items():
            yield f"{metric.key}.{of}", value, ends.get(of)

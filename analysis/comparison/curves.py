"""Lines of several trainings in one chart: where they lie, never how they look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.report.plots.charts import CURVES, finite_or_none


@dataclass(frozen=True)
class Curve:
    """One line as points 0..100 across and 0..100 down for an SVG polyline, and what its ends mean."""

    label: str
    points: str
    low: float
    high: float
    best: float


def common_curves(epochs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, list[Curve]]]:
    """The known metrics of several jobs, by name, each metric's lines to one scale of values and epochs."""
    charts = []
    for key, label, best in CURVES:
        lines = _to_one_scale({name: _finite(job, key) for name, job in epochs.items()}, best)
        if len(lines) > 1:
            charts.append((label, lines))
    return charts


def _to_one_scale(series: Mapping[str, Sequence[float]], best: Callable[[Sequence[float]], float]) -> list[Curve]:
    """A curve for each series of two numbers or more."""
    shown = {name: values for name, values in series.items() if len(values) > 1}
    every = [value for values in shown.values() for value in values]
    low, high = min(every, default=0.0), max(every, default=0.0)
    longest = max(map(len, shown.values()), default=0)
    return [Curve(name, _points(values, low, high, longest), low, high, best(values)) for name, values in shown.items()]


def _finite(epochs: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    known = [finite_or_none(epoch.get(key)) for epoch in epochs]
    return [value for value in known if value is not None]


def _points(values: Sequence[float], low: float, high: float, length: int) -> str:
    """A line through the values, in a box from `low` to `high` and of `length` values across."""
    across, down = 100 / (length - 1), 100 / (high - low or 1)
    return " ".join(f"{i * across:.2f},{(high - value) * down:.2f}" for i, value in enumerate(values))

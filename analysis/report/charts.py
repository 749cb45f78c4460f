"""Numbers for the page's plots: where bars and lines lie, never how they look."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BINS = 20
STEP = 0.05
"""A histogram begins at a multiple of this share, so that scores near 1 fill it."""


@dataclass(frozen=True)
class Bar:
    """One bin: low ≤ value < high (the last bin takes 1 too), and how many."""

    low: float
    high: float
    count: int


def histogram(values: Sequence[float]) -> list[Bar]:
    """Scores 0..1 in BINS bins from below the lowest up to 1; nan is left out, no values: no bars."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return []
    floor = min(math.floor(min(known) / STEP) * STEP, 1 - STEP)
    width = (1 - floor) / BINS
    counts = [0] * BINS
    for value in known:
        counts[min(int((value - floor) / width), BINS - 1)] += 1
    return [Bar(floor + i * width, floor + (i + 1) * width, count) for i, count in enumerate(counts)]


@dataclass(frozen=True)
class Curve:
    """One line as points 0..100 across and 0..100 down for an SVG polyline, and what its ends mean."""

    label: str
    points: str
    low: float
    high: float
    best: float


_CURVES = (
    ("validation_mIOU", "Validation mIOU", max),
    ("validation_pixel_accuracy", "Validation pixel accuracy", max),
    ("train_loss", "Training loss", min),
)


def training_series(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The known metrics of a job's epochs, an entry for each, None where it is no number; a metric with fewer than two
    numbers is left out. `best` is the place of the best epoch."""
    told = []
    for key, label, best in _CURVES:
        values = [_finite_or_none(epoch.get(key)) for epoch in epochs]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            told.append({"label": label, "values": values, "best": values.index(best(known))})
    return told


def common_curves(epochs: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, list[Curve]]]:
    """The known metrics of several jobs, by name, each metric's lines to one scale of values and epochs."""
    charts = []
    for key, label, best in _CURVES:
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
    known = [_finite_or_none(epoch.get(key)) for epoch in epochs]
    return [value for value in known if value is not None]


def _finite_or_none(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _points(values: Sequence[float], low: float, high: float, length: int) -> str:
    """A line through the values, in a box from `low` to `high` and of `length` values across."""
    across, down = 100 / (length - 1), 100 / (high - low or 1)
    return " ".join(f"{i * across:.2f},{(high - value) * down:.2f}" for i, value in enumerate(values))

"""Numbers for the page's plots: where bars and lines lie, never how they look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BINS = 20
STEP = 0.05
"""A histogram begins at a multiple of this share, so that scores near 1 fill it."""


@dataclass(frozen=True)
class Bar:
    """One bin: low ≤ value < high (the last bin takes 1 too), how many, and its height 0..1."""

    low: float
    high: float
    count: int
    height: float


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
    return [
        Bar(floor + i * width, floor + (i + 1) * width, count, count / max(counts)) for i, count in enumerate(counts)
    ]


@dataclass(frozen=True)
class Curve:
    """One metric over the epochs, as points 0..100 across and 0..100 down for an SVG polyline."""

    label: str
    points: str
    best: float


_CURVES = (
    ("validation_mIOU", "Validation mIOU", max),
    ("validation_pixel_accuracy", "Validation pixel accuracy", max),
    ("train_loss", "Training loss", min),
)


def training_curves(epochs: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """The known metrics of a job's epochs; a metric with fewer than two numbers has no curve."""
    curves = []
    for key, label, best in _CURVES:
        known = [epoch.get(key) for epoch in epochs]
        values = [float(value) for value in known if isinstance(value, int | float) and math.isfinite(value)]
        if len(values) > 1:
            curves.append(Curve(label, _points(values), best(values)))
    return curves


def _points(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    across, down = 100 / (len(values) - 1), 100 / (high - low or 1)
    return " ".join(f"{i * across:.2f},{(high - value) * down:.2f}" for i, value in enumerate(values))

"""Bars of a histogram, and a training's metrics epoch by epoch."""

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


CURVES = (
    ("validation_mIOU", "Validation mIOU", max),
    ("validation_pixel_accuracy", "Validation pixel accuracy", max),
    ("train_loss", "Training loss", min),
)


def training_series(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The known metrics of a job's epochs, an entry for each, None where it is no number; a metric with fewer than two
    numbers is left out. `best` is the place of the best epoch."""
    told = []
    for key, label, best in CURVES:
        values = [finite_or_none(epoch.get(key)) for epoch in epochs]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            told.append({"label": label, "values": values, "best": values.index(best(known))})
    return told


def finite_or_none(value: Any) -> float | None:
    """A number that a record holds; None for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None

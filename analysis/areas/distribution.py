"""How values are distributed, from each value and how often it occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import count, pairwise
from typing import Any

import numpy as np

from formats.arrays import Floats, Ints

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_STEPS = (1, 2, 5)


def distribution(values: Mapping[float, int]) -> dict[str, Any]:
    """Count, sum, mean and quantiles, as numpy's `quantile` has them, of values and how often each occurs; of none the
    mean and the quantiles are None."""
    kept = {value: number for value, number in sorted(values.items()) if number}
    every = np.array(list(kept), np.float64)
    numbers = np.array(list(kept.values()), np.int64)
    total = int(numbers.sum())
    told: dict[str, Any] = {"count": total, "sum": float(every @ numbers)}
    told["mean"] = told["sum"] / total if total else None
    told["smallest"], told["largest"] = (float(every[0]), float(every[-1])) if total else (None, None)
    told["median"] = quantile(every, numbers, 0.5) if total else None
    told["quantiles"] = {f"{q:g}": quantile(every, numbers, q) for q in QUANTILES} if total else {}
    return told


def quantile(every: Floats, numbers: Ints, share: float) -> float:
    """The quantile of rising values, each as often as its number says, between two of them by its place."""
    ends = numbers.cumsum()
    place = share * (int(ends[-1]) - 1)
    low, high = (every[np.searchsorted(ends, int(index), side="right")] for index in (np.floor(place), np.ceil(place)))
    return float(low + (high - low) * (place - np.floor(place)))


def histogram(values: Mapping[float, int]) -> list[dict[str, float]]:
    """Bins between 1, 2 and 5 times powers of ten, from that of the smallest value to that of the largest; `to` is not
    in its bin."""
    if not values:
        return []
    edges = list(_edges(min(values), max(values)))
    at = np.searchsorted(edges, list(values), side="right") - 1
    counts, sums = Counter[int](), Counter[int]()
    for bin_, (value, number) in zip(at.tolist(), values.items(), strict=True):
        counts[bin_] += number
        sums[bin_] += value * number  # type: ignore[assignment]
    return [
        {"from": low, "to": high, "count": counts[index], "sum": sums[index]}
        for index, (low, high) in enumerate(pairwise(edges))
    ]


def _edges(smallest: float, largest: float) -> Iterator[float]:
    """Steps from the last that is not above the smallest to the first that is above the largest."""
    power = int(np.floor(np.log10(smallest))) - 1
    steps = (float(f"{step}e{exponent}") for exponent in count(power) for step in _STEPS)
    low = next(steps)
    for high in steps:
        if high > smallest:
            yield low
        if low > largest:
            return
        low = high

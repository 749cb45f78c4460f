"""A report's scores as programs outside are told them: each a name, a number, and the interval around it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ToldScore:
    """One score of a report: `mean_iou`, or of a class `iou.car`, which may hold dots. `low` and `high` are the ends of
    its interval, both None where it has none."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None

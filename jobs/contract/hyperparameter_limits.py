"""What one hyperparameter accepts, what it is tuned over, and where that is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

DEVELOPER_GUIDE = "developer guide, Semantic Segmentation Hyperparameters"
TUNING_GUIDE = "developer guide, Tuning a Semantic Segmentation Model"
OPEN_IMPLEMENTATION = "open implementation"

Scaling = Literal["Linear", "Logarithmic"]


@dataclass(frozen=True)
class Tunable:
    """What a tuning job varies by default: numbers from `low` to `high`, or one of `choices`."""

    low: float = math.nan
    high: float = math.nan
    scaling: Scaling = "Linear"
    choices: tuple[str, ...] = ()

    def describe(self) -> str:
        if self.choices:
            return ", ".join(self.choices)
        logarithmic = ", logarithmic" if self.scaling == "Logarithmic" else ""
        return f"{self.low:g} to {self.high:g}{logarithmic}"


@dataclass(frozen=True)
class Limits:
    """What a hyperparameter accepts.

    `only_with` names another hyperparameter and the values of it with which this one has any
    effect. `open_choices` are values, `open_only` whole hyperparameters that the built-in algorithm
    lacks. `untunable` says why a tuning job may not vary it.
    """

    help: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    open_choices: tuple[str, ...] = ()
    open_only: bool = False
    only_with: tuple[str, tuple[str, ...]] | None = None
    tunable: Tunable | None = None
    untunable: str = ""
    source: str = DEVELOPER_GUIDE

    def describe_range(self) -> str:
        left, right = "(["[not self.low_open], ")]"[not self.high_open]
        if math.isinf(self.high):
            return f"{'above' if self.low_open else 'at least'} {self.low:g}"
        return f"in {left}{self.low:g}, {self.high:g}{right}"

    def accepts(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below and math.isfinite(value)

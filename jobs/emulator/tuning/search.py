"""How a tuning job chooses hyperparameters: Random by itself, Bayesian with Optuna's TPE.

Both choose points of the unit interval, and the range decides what a point means, so that scaling
is one thing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Values = dict[str, str]
AUTO_DECADES = 2
"""Auto scales by the logarithm where a range spans at least so many powers of ten (inferred)."""
_DRAWS = 100


@dataclass(frozen=True)
class NumberRange:
    """A range of numbers. `scaling` is Linear, Logarithmic, ReverseLogarithmic or Auto."""

    name: str
    low: float
    high: float
    whole: bool
    scaling: str = "Auto"

    @property
    def count(self) -> float:
        """How many values there are."""
        return self.high - self.low + 1 if self.whole else math.inf

    def problem(self) -> str | None:
        """Why the range cannot be searched, if so."""
        if not self.low <= self.high:
            return f"MinValue {self.low:g} is above MaxValue {self.high:g}"
        if self.scaling == "Logarithmic" and self.low <= 0:
            return "Logarithmic scaling needs a MinValue above 0"
        if self.scaling == "ReverseLogarithmic" and (self.whole or self.low < 0 or self.high >= 1):
            return "ReverseLogarithmic scaling is for continuous ranges within [0, 1)"
        return None

    def at(self, unit: float) -> str:
        """The value at a point of [0, 1], as it stands in a request."""
        if self.whole:
            # half a step beyond either end, so that the ends are as likely as the rest
            scaled = self._scale(unit, self.low - 0.5 if self._linear else self.low, self.high + 0.5)
            return str(int(min(max(math.floor(scaled + 0.5), self.low), self.high)))
        return repr(min(max(self._scale(unit, self.low, self.high), self.low), self.high))

    @property
    def _linear(self) -> bool:
        wide = self.low > 0 and self.high >= self.low * 10**AUTO_DECADES
        return self.scaling == "Linear" or (self.scaling == "Auto" and not wide)

    def _scale(self, unit: float, low: float, high: float) -> float:
        if self._linear:
            return low + unit * (high - low)
        if self.scaling == "ReverseLogarithmic":
            return 1 - math.exp(math.log(1 - low) + unit * (math.log(1 - high) - math.log(1 - low)))
        return math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))


@dataclass(frozen=True)
class Categories:
    """A choice of values."""

    name: str
    values: tuple[str, ...]

    @property
    def count(self) -> float:
        return len(self.values)


Range = NumberRange | Categories


@dataclass(frozen=True)
class Trial:
    """Hyperparameters to try, and what the search knows them by."""

    values: Values
    handle: Any = None


class Search(Protocol):
    """Not safe to use from many threads."""

    def ask(self) -> Trial: ...

    def tell(self, trial: Trial, objective: float | None) -> None:
        """What came of a trial; None when it failed."""


class RandomSearch:
    """Uniform over the scaled ranges, without repeating itself while that is possible."""

    def __init__(self, ranges: Sequence[Range], seed: int | None) -> None:
        self._ranges = ranges
        self._random = random.Random(seed)  # noqa: S311 (nothing secret is drawn)
        self._seen: set[tuple[str, ...]] = set()

    def ask(self) -> Trial:
        values = self._draw()
        for _ in range(_DRAWS):
            if tuple(values.values()) not in self._seen:
                break
            values = self._draw()
        self._seen.add(tuple(values.values()))
        return Trial(values)

    def _draw(self) -> Values:
        return {
            r.name: self._random.choice(r.values) if isinstance(r, Categories) else r.at(self._random.random())
            for r in self._ranges
        }

    def tell(self, trial: Trial, objective: float | None) -> None:
        """Chance learns nothing."""


class BayesianSearch:
    """Optuna's tree-structured Parzen estimator (AWS's own method is a Gaussian process)."""

    STARTUP = 5
    """Trials at random before the estimator has something to go by."""

    def __init__(self, ranges: Sequence[Range], seed: int | None, *, maximize: bool) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # constant_liar: trials that still run count as bad, so that parallel ones differ
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=self.STARTUP)
        self._study = optuna.create_study(direction="maximize" if maximize else "minimize", sampler=sampler)
        self._failed = optuna.trial.TrialState.FAIL
        self._ranges = ranges
        self._space: dict[str, optuna.distributions.BaseDistribution] = {
            r.name: optuna.distributions.CategoricalDistribution(r.values)
            if isinstance(r, Categories)
            else optuna.distributions.FloatDistribution(0, 1)
            for r in ranges
        }

    def ask(self) -> Trial:
        trial = self._study.ask(self._space)
        points = trial.params
        values = {r.name: points[r.name] if isinstance(r, Categories) else r.at(points[r.name]) for r in self._ranges}
        return Trial(values, trial)

    def tell(self, trial: Trial, objective: float | None) -> None:
        self._study.tell(trial.handle, objective, self._failed if objective is None else None)

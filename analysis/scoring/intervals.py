"""Confidence intervals by the bootstrap over groups: cars and videos are drawn, never pixels.

Pixels of one image, and images of one car, are alike; drawing them one by one would promise more
certainty than there is. Percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapter 13; clusters are drawn whole: Davison and Hinkley, Bootstrap Methods, 1997, section 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring.count_totals import NamedTotals
from analysis.scoring.scores import (
    ACCURACY,
    Scores,
    class_means,
    class_scores,
    pixel_accuracy,
    ratio,
)
from formats.arrays import Floats, Ints

LEVEL = 0.95
_AT_ONCE = 100
_DRAWN = 2**20
"""Draws that are worked on together, and how many groups all of them have at most, so that memory stays flat with many
groups and classes."""

Interval = tuple[float, float] | None
"""Low, high; None where the score is undefined."""


@dataclass(frozen=True)
class ScoreIntervals:
    """The interval of each score of a `Scores`."""

    per_class: Mapping[str, Sequence[Interval]]
    totals: Mapping[str, Interval]


@dataclass(frozen=True)
class Intervals:
    """Intervals of pooled scores and of means over images; None where there are fewer than two groups,
    or no draws were asked for."""

    groups: int
    draws: int
    seed: int
    overall: ScoreIntervals | None
    per_image_mean: ScoreIntervals | None


def group_draws(groups: int, draws: int, seed: int) -> Iterator[Ints]:
    """How often each group is drawn, with replacement, shape (n, groups) int64, so many draws at once
    that all of them together are `draws`. The same numbers give the same draws."""
    rng = np.random.default_rng(seed)
    at_once = max(1, min(_AT_ONCE, _DRAWN // groups))
    for start in range(0, draws, at_once):
        yield rng.multinomial(groups, np.full(groups, 1 / groups), min(at_once, draws - start))


def interval(values: Floats) -> Interval:
    """The middle LEVEL of drawn values, those that are not nan; None where there are none."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def bootstrap(by_group: NamedTotals, scores: Scores, group_of: Ints, draws: int, seed: int) -> Intervals:
    """The intervals of the scores of groups' totals, and of the mean over images, of which each has its `scores` and
    the number of its group."""
    groups = len(by_group.names)
    if groups < 2 or draws == 0:
        return Intervals(groups, draws, seed, None, None)
    pooled, averaged = _Pooled(by_group), _Averaged(scores, group_of, groups)
    samples: list[tuple[dict[str, Floats], ...]] = []
    for counts in group_draws(groups, draws, seed):
        weights = counts.astype(np.float64)  # BLAS multiplies floats, exact up to 2^53
        samples.append((pooled(weights), averaged(weights)))
    overall, per_image = (_intervals(drawn) for drawn in zip(*samples, strict=True))
    return Intervals(groups, draws, seed, overall, per_image)


class _Pooled:
    """Scores of the summed counts of drawn groups."""

    def __init__(self, totals: NamedTotals) -> None:
        self._confusion = totals.confusion.astype(np.float64)
        self._boundaries = totals.boundaries.astype(np.float64)

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        confusion = np.tensordot(weights, self._confusion, 1).astype(np.int64)
        boundaries = np.tensordot(weights, self._boundaries, 1).astype(np.int64)
        per_class = class_scores(confusion, boundaries)
        return {**per_class, **class_means(per_class), ACCURACY: pixel_accuracy(confusion)}


class _Averaged:
    """Mean scores over the images of drawn groups."""

    def __init__(self, scores: Scores, group_of: Ints, groups: int) -> None:
        values = {**scores.per_class, **{name: scores.total(name) for name in scores.names}}
        self._sums = {key: _by_group(np.nan_to_num(each), group_of, groups) for key, each in values.items()}
        self._counts = {key: _by_group(~np.isnan(each), group_of, groups) for key, each in values.items()}

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        return {key: ratio(weights @ self._sums[key], weights @ self._counts[key]) for key in self._sums}


def _by_group(values: Floats, at: Ints, groups: int) -> Floats:
    sums = np.zeros((groups, *values.shape[1:]))
    np.add.at(sums, at, values)
    return sums


def _intervals(samples: Sequence[dict[str, Floats]]) -> ScoreIntervals:
    drawn = {key: np.concatenate([sample[key] for sample in samples]) for key in samples[0]}
    return ScoreIntervals(
        {key: [interval(column) for column in values.T] for key, values in drawn.items() if values.ndim == 2},
        {name: interval(values) for name, values in drawn.items() if values.ndim == 1},
    )

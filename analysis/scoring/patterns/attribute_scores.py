"""The foreground's IoU over the values of attributes, in natural order: numbers as numbers, times as times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from analysis.scoring.intervals import Interval, group_draws, interval
from analysis.scoring.kept_images import KeptImages
from analysis.scoring.scores import defined, mean_defined, ratio
from formats.arrays import Floats, Ints
from formats.texts.natural_order import natural_key

MOST_POINTS = 60
"""Numbers and times of more values are put into bins; of more texts only the table tells."""
_BINS = 24


@dataclass(frozen=True)
class AttributePoint:
    """The images with one value of an attribute, or with one of a bin's, from `low` to `high`, both among the values.

    `iou` is of their pixels together, its mean over the foreground classes; `interval` draws their groups anew.
    `places` are those of the images.
    """

    label: str
    low: float
    high: float
    groups: int
    iou: float | None
    interval: Interval
    places: tuple[int, ...]


@dataclass(frozen=True)
class AttributeScores:
    """One attribute. `kind` is number, time (then values are seconds since 1970) or text (then they are ranks)."""

    kind: str
    binned: bool
    points: tuple[AttributePoint, ...]


def attribute_scores(images: KeptImages, draws: int, seed: int) -> dict[str, AttributeScores]:
    """By name the attributes that tell images apart: those of two values or more, texts of at most MOST_POINTS."""
    found = {}
    for name in dict.fromkeys(name for attributes in images.attributes for name in attributes):
        values = {place: each[name] for place, each in enumerate(images.attributes) if each.get(name)}
        kind, numbers = _numbers_of(values)
        distinct = len(set(numbers.values()))
        if distinct < 2 or (kind == "text" and distinct > MOST_POINTS):
            continue
        points = [_point(chosen, values, numbers, images, draws, seed) for chosen in _divided(numbers, distinct)]
        found[name] = AttributeScores(kind, distinct > MOST_POINTS, tuple(points))
    return found


def _counts_of(images: KeptImages, places: Ints) -> Ints:
    """True positives, true and predicted pixels of each foreground class, shape (n, 3, C - 1), from the images' IoU,
    whose denominator is true and predicted less what is both."""
    true, predicted = np.moveaxis(images.pixels[places, :, 1:], 1, 0)
    iou = np.nan_to_num(images.scores[places].of("iou")[:, 1:])
    right = np.rint(iou * (true + predicted) / (1 + iou)).astype(np.int64)
    return np.stack([right, true, predicted], axis=1)


def _numbers_of(values: Mapping[int, str]) -> tuple[str, dict[int, float]]:
    """What the values are, and each as a number."""
    for kind, read in (("number", _number), ("time", _time)):
        read_all = {place: read(value) for place, value in values.items()}
        if all(number is not None for number in read_all.values()):
            return kind, {place: number for place, number in read_all.items() if number is not None}
    ranks = {value: float(rank) for rank, value in enumerate(sorted(set(values.values()), key=natural_key))}
    return "text", {place: ranks[value] for place, value in values.items()}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and text.strip()[:1] in "+-.0123456789" else None


def _time(text: str) -> float | None:
    """A date, a date and a time, or a time of day, as ISO 8601 writes them; without a zone they count as UTC."""
    for day in ("", "1970-01-01T"):
        try:
            known = datetime.fromisoformat(day + text.strip())
        except ValueError:
            continue
        return (known if known.tzinfo else known.replace(tzinfo=UTC)).timestamp()
    return None


def _divided(numbers: Mapping[int, float], distinct: int) -> Iterator[list[int]]:
    """The places of images by value, or by bin, rising."""
    values = np.array(list(numbers.values()))
    at = np.unique(values) if distinct <= MOST_POINTS else np.linspace(values.min(), values.max(), _BINS + 1)[:-1]
    bins = np.searchsorted(at, values, side="right") - 1
    places = np.array(list(numbers))
    order = np.argsort(bins, kind="stable")
    edges = np.flatnonzero(np.diff(bins[order])) + 1
    for start, end in pairwise([0, *edges.tolist(), len(order)]):
        yield sorted(places[order[start:end]].tolist())


def _point(
    places: Sequence[int],
    values: Mapping[int, str],
    numbers: Mapping[int, float],
    images: KeptImages,
    draws: int,
    seed: int,
) -> AttributePoint:
    rising = sorted(places, key=lambda place: (numbers[place], place))
    first, last = rising[0], rising[-1]
    chosen = np.array(places, np.int64)
    by_group = _by_group(images.groups[chosen], _counts_of(images, chosen))
    drawn: Interval = None
    if len(by_group) > 1 and draws:
        weights = (each.astype(np.float64) for each in group_draws(len(by_group), draws, seed))
        drawn = interval(np.concatenate([_iou(np.tensordot(each, by_group, 1)) for each in weights]))
    return AttributePoint(
        label=values[first] if numbers[first] == numbers[last] else f"{values[first]} to {values[last]}",
        low=numbers[first],
        high=numbers[last],
        groups=len(by_group),
        iou=defined(float(_iou(by_group.sum(axis=0)))),
        interval=drawn,
        places=tuple(places),
    )


def _by_group(groups: Ints, counts: Ints) -> Floats:
    """Counts added up by group, as floats, which BLAS multiplies; groups in order of appearance."""
    number = {group: index for index, group in enumerate(dict.fromkeys(groups.tolist()))}
    sums = np.zeros((len(number), *counts.shape[1:]))
    np.add.at(sums, [number[group] for group in groups.tolist()], counts)
    return sums


def _iou(counts: Floats) -> Floats:
    """The mean IoU over classes, shape (…), of counts (…, 3, classes)."""
    right, true, predicted = np.moveaxis(counts, -2, 0)
    return mean_defined(ratio(right, true + predicted - right), axis=-1)

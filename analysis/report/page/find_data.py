"""By what the page finds images: their paths, kinds of errors, suspicion, and which classes were confused in them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from analysis.scoring.image_report import ImageReport
from formats.arrays import Ints

MOST_OF_A_PAIR = 100
"""Of each pair of classes the page leads to so many images, those with most such pixels."""
_MOST_PLACES, _FEWEST_OF_A_PAIR = 40_000, 5
"""Of many pairs it leads to fewer images each, lest they fill the page: about 200 kB."""
_SUSPICIOUS = 6
"""The bit above those of kinds of false positives and of missed objects, three each."""


def find_data(images: Iterable[ImageReport], scores: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the page's script knows as `find`, and as `found`, which are columns of the images, worst first.

    In `find`, `confused` has true class, predicted class, how many images have such pixels, and the places of those
    with most. In `found`, a `source` is empty where it is the stem with `suffix`; `errors` are bits: false positive
    objects by `Kind`, missed ones by `Kind`, and whether the model contradicts the truth.
    `predictions` is the folder as commands name it.
    """
    named: list[tuple[str, str]] = []
    errors, suspicion, confused = list[int](), list[float | None](), list[Ints]()
    for image in images:
        named.append((image.source, image.stem))
        errors.append(_errors(image))
        suspicion.append(None if image.suspect is None else round(image.suspect.suspicion, 6))
        confused.append(image.confused)
    suffix = _common_suffix(named)
    areas = scores.get("areas") or {}
    find = {
        "predictions": _predictions_folder(scores.get("made") or {}),
        "suffix": suffix,
        "confused": confused_images(confused),
        "unit": areas.get("unit"),
        "unit_per_pixel": areas.get("unit_per_pixel"),
    }
    source = ["" if source == stem + suffix else source for source, stem in named]
    return find, {"source": source, "errors": errors, "suspicion": suspicion}


def _predictions_folder(made: Mapping[str, Any]) -> str:
    """As it was typed, for a shell; else its name, or the word for it."""
    name = str(made.get("predictions") or "")
    typed = (word for word in made.get("command") or [] if name and PurePosixPath(word).name == name)
    return shlex.quote(next(typed, name or "PREDICTIONS"))


def _common_suffix(named: Iterable[tuple[str, str]]) -> str:
    found = Counter(source.removeprefix(stem) for source, stem in named if source.startswith(stem))
    return found.most_common(1)[0][0] if found else ""


def _errors(image: ImageReport) -> int:
    kinds = (*image.false_positive_kinds, *image.missed_kinds)
    suspicious = image.suspect is not None and image.suspect.pixels > 0
    return sum(1 << bit for bit, count in enumerate(kinds) if count) + (suspicious << _SUSPICIOUS)


def confused_images(confused: Sequence[Ints]) -> list[tuple[int, int, int, list[int]]]:
    """For each pair of classes that is confused anywhere, by the `confused` of each image: true class, predicted class,
    how many images have such pixels, and the places of those with most, most first, of equal ones the worse image."""
    places = np.repeat(np.arange(len(confused)), [len(each) for each in confused])
    rows: Ints = np.concatenate(confused) if confused else np.empty((0, 3), np.int64)
    order = np.lexsort((places, -rows[:, 2], rows[:, 1], rows[:, 0]))
    rows, places = rows[order], places[order]
    pairs, starts, counts = np.unique(rows[:, :2], axis=0, return_index=True, return_counts=True)
    most = max(_FEWEST_OF_A_PAIR, min(MOST_OF_A_PAIR, _MOST_PLACES // max(1, len(pairs))))
    return [
        (true, predicted, count, places[start : start + min(count, most)].tolist())
        for (true, predicted), start, count in zip(pairs.tolist(), starts.tolist(), counts.tolist(), strict=True)
    ]

"""Tables of objects for scores.json: wrong ones, true ones by size, and which classes are taken for
which."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from analysis.options import Scale, area
from analysis.scoring.components import SIZE_EDGES, SizeColumn
from analysis.scoring.count_totals import WrongTotals
from analysis.scoring.counts import Confusion
from analysis.scoring.image_report import ImageReport
from analysis.scoring.objects import Amount, Kind, WrongObject
from analysis.scoring.patterns.found_by_size import half_found_from, wilson
from analysis.scoring.summary import Summary
from formats.arrays import Ints

LARGEST = 100
"""How many wrong objects scores.json lists one by one."""


def wrong_to_json(summary: Summary, wrong: WrongTotals, side: Literal["false_positives", "missed"]) -> dict[str, Any]:
    """Wrong objects: how many, of which kind, class and size, and the largest of them."""
    names, amounts = summary.classes.names, wrong.amounts
    count, pixels = _amount(amounts)
    megapixels = summary.judged.pixels / 1e6
    return {
        "count": count,
        "pixels": pixels,
        "per_image": count / len(summary.images),
        "per_megapixel": count / megapixels if megapixels else None,
        "images_with": wrong.images_with,
        "halo_pixels": summary.scoring.halo,
        "kinds": {kind.name.lower(): _named(amounts[:, kind]) for kind in Kind},
        "on_empty_images": {
            "images": wrong.empty_images,
            "count": wrong.empty_count,
            "pixels": wrong.empty_pixels,
        },
        "classes": {name: _named(amounts[class_id]) for class_id, name in enumerate(names) if class_id},
        "sizes": [{**bounds, **_named(amounts[:, :, i])} for i, bounds in enumerate(_size_bounds())],
        "largest": [wrong_object_to_json(*each, names, summary.scoring.scale) for each in _largest(summary, side)],
    }


def _amount(amounts: Ints) -> tuple[int, int]:
    count, pixels = amounts.reshape(-1, len(Amount)).sum(axis=0).tolist()
    return count, pixels


def _named(amounts: Ints) -> dict[str, int]:
    return dict(zip(("count", "pixels"), _amount(amounts), strict=True))


def _size_bounds() -> list[dict[str, int | None]]:
    return [
        {"from_pixels": low, "to_pixels": None if high is None else high - 1}
        for low, high in zip_longest(SIZE_EDGES, SIZE_EDGES[1:])
    ]


def _largest(summary: Summary, side: Literal["false_positives", "missed"]) -> list[tuple[ImageReport, WrongObject]]:
    every = ((image, each) for image in summary.images for each in getattr(image, side))
    return heapq.nlargest(LARGEST, every, key=lambda pair: pair[1].pixels)


def wrong_object_to_json(
    image: ImageReport, wrong: WrongObject, names: Sequence[str], scale: Scale | None
) -> dict[str, Any]:
    """One wrong object, as it stands in scores.json."""
    return {
        "stem": image.stem,
        "group": image.group,
        "class": names[wrong.class_id],
        "confused_with": names[wrong.confused_with],
        "x": wrong.x,
        "y": wrong.y,
        "width": wrong.width,
        "height": wrong.height,
        "pixels": wrong.pixels,
        "area": area(scale, wrong.pixels),
        "distance": _finite(wrong.distance),
        "reach": _finite(wrong.reach),
        "agreed": round(wrong.agreed, 6),
        "kind": wrong.kind.name.lower(),
    }


def _finite(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def true_sizes_to_json(sizes: Ints) -> list[dict[str, Any]]:
    """True objects by their size: how many were found, and how much of their pixels."""
    table = []
    for bounds, row in zip(_size_bounds(), sizes.tolist(), strict=True):
        pixels, right = row[SizeColumn.PIXELS], row[SizeColumn.RIGHT_PIXELS]
        objects, found = row[SizeColumn.OBJECTS], row[SizeColumn.FOUND]
        counted = {"objects": objects, "found": found, "found_interval": _listed(wilson(found, objects))}
        table.append({**bounds, **counted, "recall": right / pixels if pixels else None})
    return table


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def half_found(sizes: Ints) -> int | None:
    """From how many pixels on at least half of the true objects are found, as `half_found_from` has it."""
    counted = sizes[:, [SizeColumn.OBJECTS, SizeColumn.FOUND]].tolist()
    return half_found_from([(low, *row) for low, row in zip(SIZE_EDGES, counted, strict=True)])


def class_pairs_to_json(confusion: Confusion, names: Sequence[str]) -> list[dict[str, Any]]:
    """What was taken for what, most pixels first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    of_truth = confusion.sum(axis=1)
    pairs = sorted(np.argwhere(wrong).tolist(), key=lambda pair: (-wrong[pair[0], pair[1]], pair))
    return [
        {
            "truth": names[true],
            "prediction": names[predicted],
            "pixels": int(wrong[true, predicted]),
            "share_of_truth": float(wrong[true, predicted] / of_truth[true]),
        }
        for true, predicted in pairs
    ]

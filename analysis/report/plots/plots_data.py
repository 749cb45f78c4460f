"""What the page draws its plots of: numbers of scores.json, those of images, and where a click leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.report.plots.charts import histogram, training_series
from analysis.scoring.patterns.places import PlaceTotals
from analysis.scoring.summary import Summary
from formats.arrays import Ints
from formats.predictions import ModelFacts

MOST_CLASSES = 20
"""Those with the most errors have heat maps of their own: a page stays small enough to be mailed."""
_MOST_IMAGES = 60_000
"""Of all cells of all heat maps together the images to which a click leads: some 300 kB."""
_CURVES = ("threshold", "precision", "recall", "iou", "dice")


def plots_data(summary: Summary, scores: Mapping[str, Any], model: ModelFacts) -> dict[str, Any]:
    """The page's `data.plots`; a plot without data is None or empty."""
    return {
        "places": _places(summary.patterns.places, summary.classes.names),
        "crop_edges": scores["crop_edges"],
        "true_sizes": scores["true_sizes"],
        "areas": {**{key: scores["areas"][key] for key in ("unit", "unit_per_pixel")}, **scores["areas_agreement"]},
        "attributes": scores["attribute_scores"],
        "histogram": [
            {"low": round(bar.low, 6), "high": round(bar.high, 6), "count": bar.count}
            for bar in histogram(summary.images.scores.foreground_means("iou").tolist())
        ],
        "thresholds": {name: _curve(curve) for name, curve in (scores["thresholds"] or {}).items()},
        "training": training_series(model.epochs),
    }


def _curve(curve: Mapping[str, Any]) -> dict[str, Any]:
    lines = {key: [None if each is None else round(each, 4) for each in curve[key]] for key in _CURVES}
    return {**lines, "best": {key: curve[f"best_{key}"] for key in ("iou", "dice")}}


def time_bins(summary: Summary) -> dict[str, list[int | None]]:
    """By `bin.<attribute>` of times in bins the bin of each image, which no filter by value tells: columns of the
    images, worst first."""
    columns: dict[str, list[int | None]] = {}
    for name, each in summary.attribute_scores.items():
        if each.binned and each.kind == "time":
            column = columns[f"bin.{name}"] = [None] * len(summary.images)
            for number, point in enumerate(each.points):
                for place in point.places:
                    column[place] = number
    return columns


def _places(places: PlaceTotals, names: tuple[str, ...]) -> dict[str, Any]:
    """Maps of all foreground, and of each class where there are several: their cells that hold errors (row times
    columns, plus column), the pixels there, and the images with the most, whose number all maps together bound."""
    errors = (places.wrong + places.missed).sum(axis=(1, 2))
    order = np.argsort(-errors, kind="stable")[:MOST_CLASSES] if len(names) > 2 else np.array([], np.int64)
    shown = [(0, None), *((int(index) + 1, names[index + 1]) for index in sorted(order.tolist()))]
    sides = {
        "wrong": (places.wrong, places.images[0]),
        "missed": (places.missed, places.images[1]),
    }
    chosen = [index for index, _ in shown]
    listed = _listed(places.images[:, chosen])
    return {
        "columns": places.frame.columns,
        "rows": places.frame.rows,
        "aspect": round(places.frame.aspect, 6),
        "reshaped": places.reshaped,
        "listed": listed,
        "left_out": len(names) - 1 - len(order) if len(names) > 2 else 0,
        "judged": places.judged.ravel().tolist(),
        "maps": [
            {
                "class": name,
                **{
                    side: _map(pixels[index - 1] if index else pixels.sum(axis=0), images[index], listed)
                    for side, (pixels, images) in sides.items()
                },
            }
            for index, name in shown
        ],
    }


def _listed(images: Ints) -> int:
    """How many images each cell may list, so that all together stay below the bound."""
    there = (images >= 0).sum(axis=-1)
    most = images.shape[-1]
    return next((n for n in range(most, 0, -1) if np.minimum(there, n).sum() <= _MOST_IMAGES), 0)


def _map(pixels: Ints, images: Ints, listed: int) -> dict[str, Any]:
    cells = np.flatnonzero(pixels)
    by_cell = images.reshape(-1, images.shape[-1])[cells, :listed]
    return {
        "cells": cells.tolist(),
        "pixels": pixels.ravel()[cells].tolist(),
        "images": [[place for place in row if place >= 0] for row in by_cell.tolist()],
    }

"""What scores.json and the tables beside it say of where and of what predictions fail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

from analysis.options import area
from analysis.scoring.patterns.areas_agreement import LIMITS, areas_agreement
from analysis.scoring.patterns.attribute_scores import AttributeScores
from analysis.scoring.patterns.crop_edges import DISTANCES, rim
from analysis.scoring.patterns.looking import Patterns
from analysis.scoring.summary import Summary
from formats.arrays import Ints
from formats.texts.csv_text import sheet_lines

_CELL = ("judged", "false_positive", "missed")


def patterns_to_json(summary: Summary) -> dict[str, Any]:
    """The keys `places`, `crop_edges`, `areas_agreement` and `attribute_scores`."""
    return {
        "places": _places(summary),
        "crop_edges": _crop_edges(summary.patterns),
        "areas_agreement": _areas_agreement(summary),
        "attribute_scores": {name: _attribute(each) for name, each in summary.attribute_scores.items()},
    }


def _places(summary: Summary) -> dict[str, Any]:
    """Of all foreground, row by row: those of each class are in errors_by_place.csv."""
    places = summary.patterns.places
    every = {
        "judged": places.judged,
        "false_positives": places.wrong.sum(axis=0),
        "missed": places.missed.sum(axis=0),
    }
    frame = {"columns": places.frame.columns, "rows": places.frame.rows, "images_reshaped": places.reshaped}
    return {**frame, **{key: cells.ravel().tolist() for key, cells in every.items()}}


def _crop_edges(patterns: Patterns) -> dict[str, Any] | None:
    pixels, errors = patterns.edges
    if not pixels.any():
        return None
    return {
        "images": patterns.cropped,
        "error_rate": _rate(errors.sum(), pixels.sum()),
        "rim_pixels": rim(pixels, errors),
        "bins": list(_edge_bins(patterns.edges)),
    }


def _edge_bins(edges: Ints) -> Iterator[dict[str, Any]]:
    for low, high, (pixels, errors) in zip_longest(DISTANCES, DISTANCES[1:], edges.T.tolist()):
        bounds = {"from_pixels": low, "to_pixels": None if high is None else high - 1}
        yield {**bounds, "pixels": pixels, "errors": errors, "error_rate": _rate(errors, pixels)}


def _rate(errors: Any, pixels: Any) -> float | None:
    return float(errors / pixels) if pixels else None


def _areas_agreement(summary: Summary) -> dict[str, Any]:
    """By foreground class, None where no image has it; in the unit of `areas` squared, or pixels."""
    scale = summary.scoring.scale
    size, told = area(scale, 1) or 1.0, {}
    for class_id, name in list(enumerate(summary.classes.names))[1:]:
        found = areas_agreement(*(summary.images.pixels[:, :, class_id].T * size))
        told[name] = found and vars(found)
    return {"unit": scale and scale.unit, "limits": LIMITS, "classes": told}


def _attribute(scores: AttributeScores) -> dict[str, Any]:
    points = [
        {
            "value": each.label,
            "from": each.low,
            "to": each.high,
            "images": len(each.places),
            "groups": each.groups,
            "iou": each.iou,
            "interval": each.interval and list(each.interval),
        }
        for each in scores.points
    ]
    return {"kind": scores.kind, "binned": scores.binned, "points": points}


def places_to_csv(summary: Summary) -> Iterator[str]:
    """One row per class and cell in which a pixel of it is wrong or missed; sides are shares of the frame's."""
    places, names = summary.patterns.places, summary.classes.names
    sides = ("left", "top", "right", "bottom")
    rows: list[list[Any]] = [["class", "row", "column", *sides, *(f"{what}_pixels" for what in _CELL)]]
    down, across = (np.arange(cells + 1) / cells for cells in (places.frame.rows, places.frame.columns))
    for class_id, row, column in np.argwhere(places.wrong + places.missed).tolist():
        box = (across[column], down[row], across[column + 1], down[row + 1])
        errors = places.wrong[class_id, row, column], places.missed[class_id, row, column]
        rows.append(
            [names[class_id + 1], row, column, *map(_cell, box), int(places.judged[row, column]), *map(int, errors)]
        )
    return sheet_lines(rows)


def crop_edges_to_csv(summary: Summary) -> Iterator[str]:
    """One row per bin of distances to crops' edges."""
    bins = list(_edge_bins(summary.patterns.edges))
    return sheet_lines([list(bins[0]), *(map(_cell, each.values()) for each in bins)])


def attribute_scores_to_csv(summary: Summary) -> Iterator[str]:
    """One row per attribute and value, or bin of values, in their natural order."""
    rows: list[list[Any]] = [["attribute", "kind", "value", "images", "groups", "iou", "low", "high"]]
    for name, scores in summary.attribute_scores.items():
        for each in scores.points:
            ends = each.interval or (None, None)
            known = [name, scores.kind, each.label, len(each.places), each.groups]
            rows.append([*known, *map(_cell, (each.iou, *ends))])
    return sheet_lines(rows)


def _cell(value: float | None) -> Any:
    """None as an empty cell, a share with six digits."""
    if value is None:
        return ""
    return value if isinstance(value, int) else f"{value:.6f}"

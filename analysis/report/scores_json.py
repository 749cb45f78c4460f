"""The content of scores.json, which docs/scores-json.md describes key by key."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from analysis.options import ScoringOptions, area
from analysis.report.object_tables import class_pairs_to_json, half_found, true_sizes_to_json, wrong_to_json
from analysis.report.plots.patterns_json import patterns_to_json
from analysis.scoring.intervals import LEVEL, ScoreIntervals
from analysis.scoring.kitti_scores import kitti_scores
from analysis.scoring.scores import scores_to_json
from analysis.scoring.summary import Summary, Table
from analysis.scoring.suspects import listed
from analysis.scoring.thresholds import ProbabilityCounts, log_loss, tallies, threshold_curve


def summary_to_json(summary: Summary) -> dict[str, Any]:
    """A summary as JSON's values: undefined numbers are None. `groups` is made row by row as it is read."""
    names = summary.classes.names
    suspects = None
    if summary.probabilities is not None:
        suspects = [asdict(each) for each in listed(image.suspect for image in summary.images)]
    return {
        "classes": list(names),
        "images": len(summary.images),
        "confusion": summary.totals.confusion.tolist(),
        "overall": scores_to_json(summary.overall, names),
        "per_image_mean": scores_to_json(summary.per_image_mean, names),
        "groups": _Rows(summary.groups, names),
        "attributes": {name: dict(_Rows(table, names)) for name, table in summary.attributes.items()},
        "boundary": _boundary(summary.scoring),
        "intervals": _intervals(summary),
        "areas": _areas(summary),
        "false_positives": wrong_to_json(summary, summary.totals.false_positives, "false_positives"),
        "missed": wrong_to_json(summary, summary.totals.missed, "missed"),
        "class_pairs": class_pairs_to_json(summary.totals.confusion, names),
        "true_sizes": true_sizes_to_json(summary.totals.sizes),
        "half_found_from_pixels": half_found(summary.totals.sizes),
        **patterns_to_json(summary),
        **_of_probabilities(summary.probabilities, names),
        "suspects": suspects,
    }


class _Rows(Mapping[str, Any]):
    """A table's rows by their names, in its order."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._table, self._names = table, names
        self._places = {name: place for place, name in enumerate(table.names)}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, name: str) -> dict[str, Any]:
        row = self._table[self._places[name]]
        return {"images": row.images, **scores_to_json(row.scores, self._names)}


def _boundary(scoring: ScoringOptions) -> dict[str, Any]:
    in_pixels = scoring.boundary_pixels is not None
    return {
        "dilation_share": None if in_pixels else scoring.boundary_share,
        "dilation_pixels": scoring.boundary_pixels,
        "tolerance_pixels": scoring.tolerance,
    }


def _intervals(summary: Summary) -> dict[str, Any]:
    intervals, names = summary.intervals, summary.classes.names
    note = None
    if intervals.overall is None:
        note = "no draws were asked for" if intervals.draws == 0 else "one group: nothing to draw anew, so no intervals"
    return {
        "groups": intervals.groups,
        "draws": intervals.draws,
        "seed": intervals.seed,
        "level": LEVEL,
        "note": note,
        "overall": _score_intervals(intervals.overall, names),
        "per_image_mean": _score_intervals(intervals.per_image_mean, names),
    }


def _score_intervals(intervals: ScoreIntervals | None, names: Sequence[str]) -> dict[str, Any] | None:
    if intervals is None:
        return None
    by_class = {
        key: {name: each and list(each) for name, each in zip(names, values, strict=True)}
        for key, values in intervals.per_class.items()
    }
    return {**by_class, **{name: each and list(each) for name, each in intervals.totals.items()}}


def _areas(summary: Summary) -> dict[str, Any]:
    scale, confusion = summary.scoring.scale, summary.totals.confusion
    counted = int(confusion.sum())
    sides = {"true": confusion.sum(axis=1).tolist(), "predicted": confusion.sum(axis=0).tolist()}
    components = {"true": summary.totals.true_count.tolist(), "predicted": summary.totals.predicted_count.tolist()}
    classes = {}
    for class_id, name in enumerate(summary.classes.names):
        pixels = {side: sides[side][class_id] for side in sides}
        classes[name] = {
            **{f"{side}_pixels": each for side, each in pixels.items()},
            **{f"{side}_share": each / counted if counted else None for side, each in pixels.items()},
            **{f"{side}_area": area(scale, each) for side, each in pixels.items()},
            **{f"{side}_components": components[side][class_id] if class_id else None for side in sides},
        }
    return {"unit": scale and scale.unit, "unit_per_pixel": scale and scale.per_pixel, "classes": classes}


def _of_probabilities(counts: ProbabilityCounts | None, names: Sequence[str]) -> dict[str, Any]:
    if counts is None:
        return {"thresholds": None, "log_loss": None, "kitti": None}
    foreground = list(enumerate(names))[1:]
    loss = log_loss(counts)
    return {
        "thresholds": {name: threshold_curve(counts, class_id) for class_id, name in foreground},
        "log_loss": None if math.isnan(loss) else loss,
        "kitti": {name: kitti_scores(tallies(counts, class_id)) for class_id, name in foreground},
    }

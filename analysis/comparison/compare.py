"""Several reports of the same images side by side: which model is better, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.comparison.reading import ReportScores, common_stems, compared_metrics, shared_stems
from analysis.scoring.intervals import LEVEL, Interval, group_draws, interval
from analysis.scoring.scores import defined

DRAWS, SEED = 2000, 0
LISTED = 50
"""How many of the images on which the reports disagree most are listed."""


def compare(reports: Sequence[ReportScores]) -> dict[str, Any]:
    """The content of comparison.json."""
    shared = common_stems(reports)
    groups = [reports[0].images[stem].group for stem in shared]
    return {
        "classes": reports[0].scores["classes"],
        "images": len(shared),
        "groups": len(set(groups)),
        "judged_differently": len(shared_stems(reports)) - len(shared),
        "judged_share": defined(reduce(add, (reports[0].images[stem].judged for stem in shared)).share),
        "bootstrap": {"draws": DRAWS, "seed": SEED, "level": LEVEL},
        "reports": [_summary(report, shared) for report in reports],
        "differences": [_pair(a, b, shared, groups) for a, b in combinations(reports, 2)],
        "disagreements": _disagreements(reports, shared),
    }


def _summary(report: ReportScores, shared: Sequence[str]) -> dict[str, Any]:
    values = {metric.key: _defined(_values(report, shared, metric.key)) for metric in compared_metrics()}
    return {
        "name": report.name,
        "images": len(report.images),
        "left_out": len(report.images) - len(shared),
        "per_image_mean": {key: float(known.mean()) if known.size else None for key, known in values.items()},
        "overall": report.scores["overall"],
        "intervals": (report.scores.get("intervals") or {}).get("overall"),
        "job": report.model.known(),
    }


def _values(report: ReportScores, stems: Sequence[str], key: str) -> npt.NDArray[np.float64]:
    return np.array([report.images[stem].mean(key) for stem in stems])


def _defined(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[~np.isnan(values)]


def _pair(a: ReportScores, b: ReportScores, shared: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """How `a` differs from `b`, image by image."""
    by_metric = {}
    for metric in compared_metrics():
        differences = _values(a, shared, metric.key) - _values(b, shared, metric.key)
        known = _defined(differences)
        by_metric[metric.key] = {
            "mean": float(known.mean()) if known.size else None,
            "interval": paired_interval(differences, groups),
            "better": int((known > 0).sum()),
            "worse": int((known < 0).sum()),
            "same": int((known == 0).sum()),
        }
    return {"a": a.name, "b": b.name, **by_metric}


def paired_interval(differences: npt.NDArray[np.float64], groups: Sequence[str]) -> Interval:
    """The interval of the mean difference when groups are drawn anew, as `analysis.scoring.intervals` says;
    nan differences are left out, and with fewer than two groups there is None."""
    known = ~np.isnan(differences)
    names, of_group = np.unique(np.asarray(groups)[known], return_inverse=True)
    if len(names) < 2:
        return None
    sums, sizes = np.bincount(of_group, differences[known]), np.bincount(of_group)
    means = [(drawn @ sums) / (drawn @ sizes) for drawn in group_draws(len(names), DRAWS, SEED)]
    return interval(np.concatenate(means))


def _disagreements(reports: Sequence[ReportScores], shared: Sequence[str]) -> list[dict[str, Any]]:
    """The images whose IoU differs most between any two reports, the largest difference first."""
    found = []
    for stem in shared:
        values = [(report.name, report.images[stem].mean("iou")) for report in reports]
        known = [value for _, value in values if not math.isnan(value)]
        spread = max(known) - min(known) if len(known) > 1 else 0.0
        found.append((spread, stem, {name: defined(value) for name, value in values}))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [
        {"stem": stem, "group": reports[0].images[stem].group, "spread": spread, "iou": values}
        for spread, stem, values in found[:LISTED]
        if spread > 0
    ]

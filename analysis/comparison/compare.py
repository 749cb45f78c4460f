"""Several reports of the same images side by side: which model is better, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from analysis.comparison.alike import common_stems, grouped_otherwise, shared_stems
from analysis.comparison.differences import DRAWS, SEED, pairs_to_json
from analysis.comparison.pooled import pooled_scores
from analysis.comparison.scored import ReportScores, compared_metrics
from analysis.scoring.intervals import LEVEL
from analysis.scoring.scores import defined, mean_defined
from formats.arrays import Floats
from formats.version import tool_version

LISTED = 50
"""How many of the images on which the reports disagree most comparison.json lists."""


def compare(reports: Sequence[ReportScores]) -> dict[str, Any]:
    """The content of comparison.json. Raises SagesegError where a layer file that must be counted is damaged."""
    shared = common_stems(reports)
    return {
        "made": {"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "tool_version": tool_version()},
        "classes": reports[0].scores["classes"],
        "images": len(shared),
        "groups": len({reports[0].images[stem].group for stem in shared}),
        "grouped_otherwise": grouped_otherwise(reports),
        "judged_differently": len(shared_stems(reports)) - len(shared),
        "judged_share": defined(reduce(add, (reports[0].images[stem].judged for stem in shared)).share),
        "bootstrap": {"draws": DRAWS, "seed": SEED, "level": LEVEL},
        "reports": [_summary(report, shared) for report in reports],
        "differences": pairs_to_json(reports, shared),
        "disagreements": _listed(reports),
    }


def _summary(report: ReportScores, shared: Sequence[str]) -> dict[str, Any]:
    names = report.scores["classes"][1:]
    means = {
        metric.key: [defined(value) for value in _means(report.values(shared, metric.key))]
        for metric in compared_metrics()
    }
    whole = len(report.images) == len(shared)
    return {
        "name": report.name,
        "images": len(report.images),
        "left_out": len(report.images) - len(shared),
        "per_image_mean": {key: values[0] for key, values in means.items()},
        "classes": {name: {key: values[place] for key, values in means.items()} for place, name in enumerate(names, 1)},
        "overall": pooled_scores(report, shared),
        "intervals": (report.scores.get("intervals") or {}).get("overall") if whole else None,
        "made": report.scores.get("made"),
        "job": report.model.known(),
    }


def _means(values: Floats) -> list[float]:
    means: list[float] = np.asarray(mean_defined(values, axis=0)).tolist()
    return means


def by_disagreement(reports: Sequence[ReportScores]) -> list[tuple[str, float]]:
    """The images that are compared, each with how much their IoU differs at most between any two reports, the largest
    difference first."""
    stems = common_stems(reports)
    iou = np.array([report.values(stems, "iou")[:, 0] for report in reports])
    several = (~np.isnan(iou)).sum(axis=0) > 1
    spread = np.zeros(len(stems))
    spread[several] = np.nanmax(iou[:, several], axis=0) - np.nanmin(iou[:, several], axis=0)
    return sorted(zip(stems, spread.tolist(), strict=True), key=lambda each: (-each[1], each[0]))


def _listed(reports: Sequence[ReportScores]) -> list[dict[str, Any]]:
    return [
        {
            "stem": stem,
            "group": reports[0].images[stem].group,
            "spread": spread,
            "iou": {report.name: defined(report.mean(stem, "iou")) for report in reports},
        }
        for stem, spread in by_disagreement(reports)[:LISTED]
        if spread > 0
    ]

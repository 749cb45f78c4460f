"""Several reports of the same images side by side: which model is better, and how sure that is."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.report_files import IMAGES, SCORES
from analysis.scoring.intervals import LEVEL, Interval, group_draws, interval
from analysis.scoring.scores import Metric, defined, every_metric
from formats.errors import SagesegError
from formats.predictions import ModelFacts, read_model_facts

DRAWS, SEED = 2000, 0
LISTED = 50
"""How many of the images on which the reports disagree most are listed."""


def compared_metrics() -> list[Metric[Any]]:
    """What is compared image by image: each the mean over the foreground classes."""
    return [metric for metric in every_metric() if metric.compared]


@dataclass(frozen=True)
class ImageScores:
    """One row of images.csv: by key the scores that are compared, nan where undefined."""

    group: str
    size: tuple[int, int]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class ReportScores:
    """What a report's folder says: `scores` is scores.json, `model` its job, `images` are by stem."""

    folder: Path
    name: str
    scores: Mapping[str, Any]
    model: ModelFacts
    images: Mapping[str, ImageScores]


def read_reports(folders: Sequence[Path]) -> list[ReportScores]:
    """The reports, each with a name of its own.

    Raises SagesegError where a folder is no report, or where their classes or images differ so
    that they cannot be compared.
    """
    if len(folders) < 2:
        raise SagesegError(f"{len(folders)} report; expected two or more to compare")
    reports = _named([_read_report(folder) for folder in folders])
    first = reports[0]
    for other in reports[1:]:
        if other.scores["classes"] != first.scores["classes"]:
            theirs, ours = (", ".join(each.scores["classes"]) for each in (other, first))
            raise SagesegError(f"{other.folder}: classes {theirs}; expected those of {first.folder}: {ours}")
    _check_images(reports)
    return reports


def _read_report(folder: Path) -> ReportScores:
    path = folder / SCORES
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        lines = (folder / IMAGES).read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise SagesegError(
            f"{folder}: no report here ({Path(str(e.filename)).name} is missing); make one with sageseg analysis report"
        ) from e
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); make the report again") from e
    try:
        images = {row["stem"]: _read_image(row, scores["classes"]) for row in csv.DictReader(lines)}
        model = read_model_facts(scores.get("job") or {}, path)
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise SagesegError(
            f"{folder}: scores.json or images.csv not written by this sageseg ({e!r}); make the report again"
        ) from e
    return ReportScores(folder, model.job or folder.resolve().name, scores, model, images)


def _read_image(row: Mapping[str, str], classes: Sequence[str]) -> ImageScores:
    keys = [metric.key for metric in compared_metrics()]
    scores = {key: _mean([_number(row[f"{key}_{name}"]) for name in classes[1:]]) for key in keys}
    return ImageScores(row["group"], (int(row["width"]), int(row["height"])), scores)


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _named(reports: Sequence[ReportScores]) -> list[ReportScores]:
    """Reports of one job are told apart by their folders' names, those of one name by number."""
    names = [report.name for report in reports]
    told = [
        n if names.count(n) == 1 else f"{n} ({r.folder.resolve().name})" for n, r in zip(names, reports, strict=True)
    ]
    unique = [n if told.count(n) == 1 else f"{n} #{place}" for place, n in enumerate(told, 1)]
    return [replace(report, name=name) for name, report in zip(unique, reports, strict=True)]


def _check_images(reports: Sequence[ReportScores]) -> None:
    shared = common_stems(reports)
    if not shared:
        raise SagesegError(f"{reports[1].folder}: no image in common with {reports[0].folder}; compare the same images")
    for stem in shared:
        sizes = {report.images[stem].size for report in reports}
        if len(sizes) > 1:
            told = " and ".join(f"{width}×{height}" for width, height in sorted(sizes))
            raise SagesegError(f"{stem}: {told} pixels in different reports; compare the same images")


def common_stems(reports: Sequence[ReportScores]) -> list[str]:
    """The images that all reports have, in the order of the first."""
    return [stem for stem in reports[0].images if all(stem in report.images for report in reports)]


def compare(reports: Sequence[ReportScores]) -> dict[str, Any]:
    """The content of comparison.json."""
    shared = common_stems(reports)
    groups = [reports[0].images[stem].group for stem in shared]
    return {
        "classes": reports[0].scores["classes"],
        "images": len(shared),
        "groups": len(set(groups)),
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
    return np.array([report.images[stem].scores[key] for stem in stems])


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
        values = [(report.name, report.images[stem].scores["iou"]) for report in reports]
        known = [value for _, value in values if not math.isnan(value)]
        spread = max(known) - min(known) if len(known) > 1 else 0.0
        found.append((spread, stem, {name: defined(value) for name, value in values}))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [
        {"stem": stem, "group": reports[0].images[stem].group, "spread": spread, "iou": values}
        for spread, stem, values in found[:LISTED]
        if spread > 0
    ]

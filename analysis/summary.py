"""All images of a report together: totals, groups, order, scores.json and images.csv."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.counts import Confusion, no_counts
from analysis.examine import Examined, ImageReport
from analysis.scores import Scores, defined, mean_over_images, score, scores_to_json
from analysis.thumbnails import Layers
from formats.classes import ClassTable

GALLERY_LIMIT = 200
"""How many images the page shows, the worst first: about 8 MB of thumbnails."""


@dataclass(frozen=True)
class GroupReport:
    name: str
    images: int
    scores: Scores
    false_positive_pixels: int
    missed_pixels: int


@dataclass(frozen=True)
class Absent:
    """What counts as background without having been predicted; and how many images show grey where
    the dataset has no file."""

    dropped_crops: int
    uncovered_pixels: int
    grey_images: int


@dataclass(frozen=True)
class Summary:
    """A scored set of predictions. `images` and `groups` are worst first; `layers` holds the
    thumbnails of the images that the page shows, by stem."""

    classes: ClassTable
    confusion: Confusion
    overall: Scores
    per_image_mean: Scores
    images: tuple[ImageReport, ...]
    groups: tuple[GroupReport, ...]
    layers: dict[str, Layers]
    absent: Absent


def summarise(examined: Iterable[Examined], classes: ClassTable, absent: Absent) -> Summary:
    """Sum up the images as they come; only the worst GALLERY_LIMIT keep their thumbnails."""
    images: list[ImageReport] = []
    by_group: dict[str, Confusion] = {}
    layers: dict[str, Layers] = {}
    for each in examined:
        images.append(each.report)
        group = by_group.setdefault(each.report.group, no_counts(len(classes)))
        group += each.confusion
        layers[each.report.stem] = each.layers
        if len(layers) >= 2 * GALLERY_LIMIT:
            layers = _of_worst(images, layers)
    confusion = sum(by_group.values(), no_counts(len(classes)))
    return Summary(
        classes=classes,
        confusion=confusion,
        overall=score(confusion),
        per_image_mean=mean_over_images([image.scores for image in images]),
        images=tuple(sorted(images, key=_worst_first)),
        groups=_report_groups(images, by_group),
        layers=_of_worst(images, layers),
        absent=absent,
    )


def _of_worst(images: Sequence[ImageReport], layers: dict[str, Layers]) -> dict[str, Layers]:
    worst = sorted((image for image in images if image.stem in layers), key=_worst_first)[:GALLERY_LIMIT]
    return {image.stem: layers[image.stem] for image in worst}


def _worst_first(image: ImageReport) -> tuple[float, int, str]:
    """Lowest foreground IoU first, then most wrong pixels; undefined (rightly empty) last."""
    iou = image.scores.foreground_mean("iou")
    wrong = image.false_positive_pixels + image.missed_pixels
    return (math.inf if math.isnan(iou) else iou, -wrong, image.stem)


def _report_groups(images: Sequence[ImageReport], by_group: dict[str, Confusion]) -> tuple[GroupReport, ...]:
    reports = []
    for name, confusion in by_group.items():
        members = [image for image in images if image.group == name]
        reports.append(
            GroupReport(
                name=name,
                images=len(members),
                scores=score(confusion),
                false_positive_pixels=sum(image.false_positive_pixels for image in members),
                missed_pixels=sum(image.missed_pixels for image in members),
            )
        )
    return tuple(sorted(reports, key=_worst_group_first))


def _worst_group_first(group: GroupReport) -> tuple[float, str]:
    iou = group.scores.foreground_mean("iou")
    return (math.inf if math.isnan(iou) else iou, group.name)


def summary_to_json(summary: Summary) -> dict[str, Any]:
    """The content of scores.json."""
    names = summary.classes.names
    return {
        "classes": list(names),
        "images": len(summary.images),
        "dropped_crops_as_background": summary.absent.dropped_crops,
        "uncovered_pixels_as_background": summary.absent.uncovered_pixels,
        "confusion": summary.confusion.tolist(),
        "overall": scores_to_json(summary.overall, names),
        "per_image_mean": scores_to_json(summary.per_image_mean, names),
        "groups": {
            group.name: {"images": group.images, **scores_to_json(group.scores, names)} for group in summary.groups
        },
    }


def images_to_csv(summary: Summary) -> str:
    """The text of images.csv: one row per image, worst first; an undefined score is an empty cell."""
    names = summary.classes.names
    attributes = sorted({name for image in summary.images for name in image.attributes})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    scored = [f"{key}_{name}" for key in ("iou", "dice") for name in names]
    counted = ["width", "height", "mean_iou_foreground", "false_positive_pixels", "missed_pixels"]
    writer.writerow(["stem", "group", "split", *counted, *scored, *attributes])
    for image in summary.images:
        scores = [value for key in ("iou", "dice") for value in image.scores.per_class[key].tolist()]
        cells = [image.width, image.height, _cell(image.scores.foreground_mean("iou"))]
        cells += [image.false_positive_pixels, image.missed_pixels, *map(_cell, scores)]
        known = [image.attributes.get(name, "") for name in attributes]
        writer.writerow([image.stem, image.group, image.split, *cells, *known])
    return buffer.getvalue()


def _cell(value: float) -> str:
    return "" if defined(value) is None else f"{value:.6f}"

"""What each section of the report's page says, from scores.json; None or empty where it has no data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from analysis.scoring.scores import METRICS, PIXEL_ACCURACY, Metric, every_metric

MANY_CLASSES = 4
"""With more foreground classes than this, headline and group table show their mean alone."""


def columns(scores: Mapping[str, Any]) -> list[Metric[Any]]:
    """The scores that scores.json holds by class, in the order in which they are shown."""
    return [metric for metric in every_metric() if metric.key in scores["overall"]]


@dataclass(frozen=True)
class Headline:
    """One large number: `interval` is None where there is none."""

    label: str
    value: float | None
    meaning: str
    interval: Sequence[float] | None


def headline_scores(scores: Mapping[str, Any]) -> list[Headline]:
    """The page's largest numbers: each foreground class's IoU, or their mean where they are many."""
    names, iou = scores["classes"][1:], METRICS[0]
    if len(names) > MANY_CLASSES:
        value, sure = scores["overall"]["mean_iou_foreground"], interval(scores, "mean_iou_foreground")
        return [Headline(f"Mean IoU of {len(names)} foreground classes", value, iou.meaning, sure)]
    by_class = scores["overall"]["iou"]
    return [Headline(f"IoU, {name}", by_class[name], iou.meaning, interval(scores, "iou", name)) for name in names]


def other_scores(scores: Mapping[str, Any]) -> list[Headline]:
    """The other scores of the foreground (their mean over its classes) and the pixel accuracy."""
    names = scores["classes"][1:]
    mean = ", mean over the foreground classes" if len(names) > 1 else ""
    rest = [
        Headline(
            column.label,
            foreground_mean(scores["overall"][column.key], names),
            f"{column.formula}{mean}. {column.meaning}",
            interval(scores, column.key, names[0]) if len(names) == 1 else None,
        )
        for column in columns(scores)[1:]
    ]
    accuracy = scores["overall"]["pixel_accuracy"]
    return [*rest, Headline("Pixel accuracy", accuracy, PIXEL_ACCURACY, interval(scores, "pixel_accuracy"))]


def interval(scores: Mapping[str, Any], *path: str) -> Sequence[float] | None:
    """The confidence interval of an overall score; None where scores.json has none."""
    found: Any = (scores.get("intervals") or {}).get("overall")
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Sequence) else None


def foreground_mean(by_class: Mapping[str, float | None], names: Sequence[str]) -> float | None:
    """The mean over foreground classes where it is defined."""
    known = [value for name in names if (value := by_class.get(name)) is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True)
class Row:
    """One line of a table by group or attribute; values in the order of `columns`."""

    name: str
    images: int
    values: Sequence[float | None]


def rows(table: Mapping[str, Any], scores: Mapping[str, Any], most: int | None = None) -> list[Row]:
    """A table of scores.json (by group, or by an attribute's values) as lines, in its own order, at most so many."""
    names, shown = scores["classes"][1:], columns(scores)
    return [
        Row(name, line["images"], [foreground_mean(line.get(column.key) or {}, names) for column in shown])
        for name, line in islice(table.items(), most)
    ]

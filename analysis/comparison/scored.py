"""What is compared: the scores that each report has of each image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.scoring.judged import Judged
from analysis.scoring.scores import Metric, every_metric
from formats.arrays import Floats
from formats.predictions import ModelFacts


def compared_metrics() -> list[Metric[Any]]:
    """What is compared image by image: each the mean over the foreground classes, and each class."""
    return [metric for metric in every_metric() if metric.compared]


@dataclass(frozen=True)
class ImageScores:
    """One row of images.csv: by key the scores of the foreground classes that are compared, nan where
    undefined; `truth` is a checksum of the truth by which they are judged, ignore where they are not."""

    group: str
    size: tuple[int, int]
    judged: Judged
    truth: str
    by_class: Mapping[str, tuple[float, ...]]
    attributes: Mapping[str, str] = field(default_factory=dict)

    def mean(self, key: str) -> float:
        """Of the classes where the score is defined; nan where there is none."""
        known = [value for value in self.by_class[key] if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class ReportScores:
    """What a report's folder says: `scores` is scores.json, `model` its job, `images` are by stem."""

    folder: Path
    name: str
    scores: Mapping[str, Any]
    model: ModelFacts
    images: Mapping[str, ImageScores]

    def values(self, stems: Sequence[str], key: str) -> Floats:
        """A score of these images, shape (images, 1 + foreground classes): the mean first, nan where undefined."""
        images = [self.images[stem] for stem in stems]
        return np.array([(image.mean(key), *image.by_class[key]) for image in images], np.float64)

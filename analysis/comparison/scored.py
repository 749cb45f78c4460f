"""What is compared: the scores that each report has of each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.scoring.judged import Judged
from analysis.scoring.scores import Metric, every_metric, mean_defined
from formats.arrays import Floats
from formats.predictions import ModelFacts


def compared_metrics() -> list[Metric[Any]]:
    """What is compared image by image: each the mean over the foreground classes, and each class."""
    return [metric for metric in every_metric() if metric.compared]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a row of images.csv tells beside scores: `place` is its row in those; `truth` is a checksum of the truth by
    which they are judged, ignore where they are not."""

    place: int
    group: str
    size: tuple[int, int]
    judged: Judged
    truth: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ReportScores:
    """What a report's folder says: `scores` is scores.json, `model` its job, `images` are by stem, and `by_class` has
    by key the images' scores of the foreground classes that are compared, shape (images, classes), nan where undefined.
    """

    folder: Path
    name: str
    scores: Mapping[str, Any]
    model: ModelFacts
    images: Mapping[str, ImageFacts]
    by_class: Mapping[str, Floats]

    def values(self, stems: Sequence[str], key: str) -> Floats:
        """A score of these images, shape (images, 1 + foreground classes): the mean of the classes where it is defined
        first, nan where undefined."""
        rows = self.by_class[key][[self.images[stem].place for stem in stems]]
        return np.column_stack([mean_defined(rows, axis=1), rows])

    def mean(self, stem: str, key: str) -> float:
        """Of the classes where the score is defined; nan where there is none."""
        return float(self.values([stem], key)[0, 0])

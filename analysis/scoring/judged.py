"""Which pixels of the images are judged: those that were predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.masks.sources import Source
from analysis.scoring.counts import Counts
from formats.classes import IGNORE
from formats.crops import Box
from formats.dataset import Dataset
from formats.masks import Mask


@dataclass(frozen=True)
class Judged(Counts):
    """Pixels of images, but for those that the labels say to ignore: `pixels` are judged, the others
    were not predicted."""

    pixels: int
    not_predicted: int

    @property
    def share(self) -> float:
        """Of all of them; nan where there is none."""
        every = self.pixels + self.not_predicted
        return self.pixels / every if every else math.nan


def judged_truth(truth: Mask, unpredicted: Sequence[Box]) -> tuple[Mask, int]:
    """The truth with the boxes in which nothing was predicted as ignore, and how many pixels that took
    from it."""
    if not unpredicted:
        return truth, 0
    judged = truth.copy()
    for box in unpredicted:
        judged[box.top : box.top + box.height, box.left : box.left + box.width] = IGNORE
    return judged, int(np.count_nonzero(judged != truth))


@dataclass(frozen=True)
class LeftOut:
    """The images of the predicted splits of which nothing was predicted."""

    images: int
    pixels: int


def left_out(sources: Sequence[Source], dataset: Dataset) -> LeftOut:
    """What the dataset has of the splits that the sources are of, beside them."""
    splits, stems = {source.row.split for source in sources}, {source.stem for source in sources}
    sizes = {
        row.source: row.source_width * row.source_height
        for row in dataset.rows
        if row.split in splits and row.source_stem not in stems
    }
    return LeftOut(len(sizes), sum(sizes.values()))

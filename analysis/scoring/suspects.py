"""Suspicious labels: where a confident model contradicts the truth, a person should look again.

The idea is confident learning's (Northcutt et al. 2021): labels that a model contradicts although it
is sure are the likeliest to be wrong. The rank is this project's own, see `Suspect`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from analysis.scoring.components import label
from formats.classes import IGNORE
from formats.masks import Mask
from formats.predictions import Probabilities

CONFIDENT = 0.95
"""A model is confident where its likeliest class has at least this probability."""
LISTED = 50


@dataclass(frozen=True)
class Suspect:
    """A truth mask that a confident model contradicts. `pixels` are those of the contradiction;
    `suspicion` is their share of all pixels that are foreground in truth or prediction; the box is
    that of the largest connected contradiction."""

    stem: str
    group: str
    suspicion: float
    pixels: int
    x: int
    y: int
    width: int
    height: int


def contradicted(truth: Mask, labels: Mask, probabilities: Probabilities) -> Mask:
    """Where a band's confident prediction is not its truth, 0 or 1, shape (h, w)."""
    sure = probabilities.view(np.uint16).max(axis=0) >= np.float16(CONFIDENT).view(np.uint16)
    return np.asarray(sure & (labels != truth) & (truth != IGNORE)).view(np.uint8)


def suspect(stem: str, group: str, truth: Mask, prediction: Mask, contradiction: Mask) -> Suspect | None:
    """What is suspicious in a truth mask; None where nothing is.

    Lines one or two pixels wide, as edges are, do not count: the contradiction is opened by 3 × 3.
    """
    opened = np.asarray(cv2.morphologyEx(contradiction, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    regions = label(opened)
    if not len(regions):
        return None
    (largest,) = regions.largest(1)
    x, y, width, height = regions.boxes[largest].tolist()
    foreground = np.count_nonzero((truth != IGNORE) & ((truth != 0) | (prediction != 0)))
    pixels = int(regions.pixels.sum())
    return Suspect(stem, group, pixels / foreground, pixels, x, y, width, height)


def most_suspicious(suspects: Sequence[Suspect | None]) -> list[Suspect]:
    """The LISTED most suspicious, the most suspicious first."""
    found = [each for each in suspects if each]
    return sorted(found, key=lambda each: (-each.suspicion, each.stem))[:LISTED]

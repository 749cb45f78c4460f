"""Suspicious labels: where a model doubts the truth, a person should look again.

Doubt is 1 less the probability of the true class. An image's suspicion is a mean of its pixels' doubt in
which the doubtful weigh most: one less the softmin of V. Lad, J. Mueller (Estimating label quality and
errors in semantic segmentation data via any model, 2023). Other than theirs, lines one pixel wide, as
edges are, do not count, nor does ignore. oracles/cleanlab_suspects.py compares the ranks.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from formats.classes import IGNORE
from formats.masks import Mask
from formats.objects.labelled import Labelled, label
from formats.predictions import Probabilities

CONTRADICTED = 0.9
"""A model contradicts the truth where its doubt is at least this."""
TEMPERATURE = 0.1
"""How much a pixel's weight grows with its doubt: by e for each 0.1. It is the paper's."""
LISTED = 50
DETAILED = 10
"""So many regions of one image are kept one by one."""
_MOST = 255
"""A doubt of 1 in 8 bits."""
_SQUARE = np.ones((2, 2), np.uint8)


@dataclass(frozen=True)
class Suspect:
    """How suspicious a truth mask is, 0..1. `pixels` are those that the model contradicts; the box is that
    of the largest connected contradiction. All are 0 where there is none."""

    stem: str
    group: str
    suspicion: float
    pixels: int = 0
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Contradiction:
    """A connected region of a truth mask that the model contradicts, at x, y of the image."""

    x: int
    y: int
    width: int
    height: int
    pixels: int


def doubts(truth: Mask, probabilities: Probabilities) -> Mask:
    """A band's doubt of its truth, shape (h, w), 0..1 as 0..255; 0 where the truth is ignore."""
    of_truth = np.ones(truth.shape, np.float32)
    for class_id, each in enumerate(probabilities):
        np.copyto(of_truth, each, where=truth == class_id)
    return np.asarray(cv2.convertScaleAbs(of_truth, alpha=-_MOST, beta=_MOST), np.uint8)


def suspect(stem: str, group: str, truth: Mask, doubt: Mask) -> Suspect | None:
    """What an image's `doubts` make of its truth; None where all of it is ignore."""
    return suspect_in_detail(stem, group, truth, doubt)[0]


def suspect_in_detail(
    stem: str, group: str, truth: Mask, doubt: Mask
) -> tuple[Suspect | None, tuple[Contradiction, ...]]:
    """What `suspect` finds, and the DETAILED largest regions that the model contradicts, the largest first."""
    opened = _without_lines(doubt)
    suspicion = _suspicion(opened, truth)
    if math.isnan(suspicion):
        return None, ()
    regions = label((opened >= math.ceil(CONTRADICTED * _MOST)).view(np.uint8))
    largest = tuple(_contradiction(regions, index) for index in regions.largest(DETAILED))
    if not largest:
        return Suspect(stem, group, suspicion), ()
    first = largest[0]
    pixels = int(regions.pixels.sum())
    return Suspect(stem, group, suspicion, pixels, first.x, first.y, first.width, first.height), largest


def _contradiction(regions: Labelled, index: int) -> Contradiction:
    x, y, width, height = regions.boxes[index].tolist()
    return Contradiction(x, y, width, height, int(regions.pixels[index]))


def _without_lines(doubt: Mask) -> Mask:
    """A square of 2 × 2 pixels is as doubtful as the least of them; each pixel becomes as doubtful as the
    most doubtful square that it is in. cv2's own opening by an even square moves it by a pixel."""
    squares = cv2.erode(doubt, _SQUARE, anchor=(1, 1), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(cv2.dilate(squares, _SQUARE, anchor=(0, 0)), np.uint8)


def _suspicion(doubt: Mask, truth: Mask) -> float:
    """The mean doubt of all pixels but ignore, each weighing e^(doubt / TEMPERATURE); nan without any."""
    judged = (truth != IGNORE).view(np.uint8)
    pixels = cv2.calcHist([doubt], [0], judged, [_MOST + 1], [0, _MOST + 1]).ravel().astype(np.float64)
    shares = np.arange(_MOST + 1) / _MOST
    weights = pixels * np.exp((shares - 1) / TEMPERATURE)
    return float(weights @ shares / weights.sum()) if weights.any() else math.nan


def most_suspicious(suspects: Iterable[Suspect | None]) -> list[Suspect]:
    """Every suspect, the most suspicious first."""
    return sorted((each for each in suspects if each), key=_most_first)


def _most_first(one: Suspect) -> tuple[float, str]:
    return -one.suspicion, one.stem


def listed(suspects: Iterable[Suspect | None]) -> list[Suspect]:
    """The LISTED most suspicious of those that the model contradicts, the most suspicious first."""
    return heapq.nsmallest(LISTED, (each for each in suspects if each and each.pixels), key=_most_first)

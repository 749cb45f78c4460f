"""What of one image says where predictions fail, and what all images add up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.masks.pairs import PairRuns
from analysis.masks.sources import Source
from analysis.scoring.patterns.crop_edges import DISTANCES, count_edges
from analysis.scoring.patterns.places import Frame, Places, PlacesCollected, PlaceTotals, count_places
from formats.arrays import Ints


@dataclass(frozen=True)
class Seen:
    """The errors of one image by place, and by distance to crops' edges, None where it has none."""

    places: Places
    edges: Ints | None


def look(source: Source, runs: PairRuns, num_classes: int, frame: Frame) -> Seen:
    """An image whose pairs of classes at full size are `runs`."""
    return Seen(
        count_places(runs, (source.width, source.height), num_classes, frame), count_edges(runs, source, num_classes)
    )


@dataclass(frozen=True)
class Patterns:
    """All images together: `edges` as `count_edges` tells them, of the `cropped` images that have such edges."""

    places: PlaceTotals
    edges: Ints
    cropped: int


class PatternsCollected:
    """What is kept of images as they pass."""

    def __init__(self, frame: Frame, num_classes: int) -> None:
        self._places = PlacesCollected(frame, num_classes)
        self._edges = np.zeros((2, len(DISTANCES)), np.int64)
        self._cropped = 0

    def add(self, seen: Seen) -> None:
        """Take in one image."""
        self._places.add(seen.places)
        if seen.edges is not None:
            self._edges += seen.edges
            self._cropped += 1

    def patterns(self, place_of: Ints) -> Patterns:
        """All of it; `place_of` says of each image, in the order in which they passed, its place."""
        return Patterns(self._places.totals(place_of), self._edges, self._cropped)

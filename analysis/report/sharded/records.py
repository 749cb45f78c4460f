"""What is found in an image as JSON, and what of it must fit the report that it is summed up in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from analysis.masks.source_plan import SourceFacts
from analysis.scoring.boundary import Column
from analysis.scoring.components import SIZE_EDGES, Component, SizeColumn
from analysis.scoring.image_report import Findings
from analysis.scoring.objects import Amount, Kind, WrongObject
from analysis.scoring.patterns.crop_edges import DISTANCES
from analysis.scoring.patterns.places import Frame, Places, kinds
from analysis.scoring.thresholds import LEVELS
from formats.texts.typed_values import from_json, to_json


def findings_to_json(found: Findings) -> Any:
    """A line's worth, at most some 100 kB of an image with few classes."""
    return to_json(found)


def parse_findings(told: Any, of: SourceFacts, num_classes: int, frame: Frame) -> Findings:
    """The counterpart of `findings_to_json`. Raises ValueError for what is not of these kinds, or of another report: of
    another number of classes, another frame or another image."""
    found = from_json(told, Findings)
    for name, array, shape in _shapes(found, num_classes):
        if array.shape != shape:
            raise ValueError(f"{name} is of the shape {array.shape}; expected {shape}")
    strange = {each for each in _class_ids(found) if not 0 <= each < num_classes}
    if strange:
        raise ValueError(f"an object of class {min(strange)}; expected 0 to {num_classes - 1}")
    if found.suspect and (found.suspect.stem, found.suspect.group) != (of.stem, of.group):
        raise ValueError(f"its suspect is {found.suspect.stem}; expected {of.stem}")
    _check_places(found.seen.places, of, kinds(num_classes) * frame.cells)
    return found


def _shapes(found: Findings, classes: int) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    measured, components = found.measured, found.measured.components
    yield "confusion", measured.confusion, (classes, classes)
    yield "boundaries", measured.boundaries, (classes, len(Column))
    yield "true_count", components.true_count, (classes,)
    yield "predicted_count", components.predicted_count, (classes,)
    yield "sizes", components.sizes, (len(SIZE_EDGES), len(SizeColumn))
    for name, wrong in (("false_positives", measured.false_positives), ("missed", measured.missed)):
        yield name, wrong.amounts, (classes, len(Kind), len(SIZE_EDGES), len(Amount))
    if found.probabilities:
        yield "levels", found.probabilities.levels, (classes, 2, LEVELS)
    if found.seen.edges is not None:
        yield "edges", found.seen.edges, (2, len(DISTANCES))


def _class_ids(found: Findings) -> Iterator[int]:
    measured = found.measured
    objects: Iterable[Component] = (*measured.components.true, *measured.components.predicted)
    yield from (each.class_id for each in objects)
    wrong: Iterable[WrongObject] = (*measured.false_positives.largest, *measured.missed.largest)
    for each in wrong:
        yield from (each.class_id, each.confused_with)


def _check_places(places: Places, of: SourceFacts, cells: int) -> None:
    if places.size != (of.width, of.height):
        raise ValueError(f"an image of {places.size}; expected {(of.width, of.height)}")
    if places.cells.ndim != 1 or places.cells.shape != places.pixels.shape:
        raise ValueError(f"{places.cells.shape} cells with {places.pixels.shape} numbers of pixels")
    if places.cells.size and not (places.cells[0] >= 0 and places.cells[-1] < cells and _rises(places)):
        raise ValueError(f"places that are not rising, or not within {cells} cells")


def _rises(places: Places) -> bool:
    return bool((np.diff(places.cells) > 0).all())

"""The areas of one image: the pixels of each class, its objects, and the same of the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.masks.cleaning import Changes, foreground_windows, read_clean, without
from analysis.masks.reading import read_truth
from analysis.masks.sources import Source
from analysis.options import Cleaning
from analysis.scoring.class_windows import class_windows
from analysis.scoring.components import class_objects
from analysis.scoring.counts import count
from analysis.scoring.judged import judged_truth
from formats.arrays import Flags, Ints
from formats.crops import Box
from formats.masks import Mask
from formats.objects.labelled import label


@dataclass(frozen=True)
class Objects:
    """The objects of one class, the largest first, of equal ones that which comes first in reading order: `boxes` with
    a row left, top, width, height, `pixels` and `cut` with an entry for each. An object is cut where it touches the
    image's edge or what was not predicted: it may go on there."""

    boxes: Ints
    pixels: Ints
    cut: Flags


NO_OBJECTS = Objects(np.empty((0, 4), np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))


@dataclass(frozen=True)
class Compared:
    """One class where the truth is known: its true and its predicted pixels, and how many of the true objects were
    found."""

    true: int
    predicted: int
    true_objects: int
    found: int


@dataclass(frozen=True)
class ImageAreas:
    """`objects` and `compared` by class id; `compared` is empty without truth. `predicted` are the pixels that were
    predicted."""

    stem: str
    group: str
    split: str
    predicted: int
    not_predicted: int
    objects: dict[int, Objects]
    compared: dict[int, Compared]
    changes: Changes


@dataclass(frozen=True)
class Measurer:
    """How to measure a source. Pickles, to work in another process."""

    predictions: Path
    dataset: Path | None
    num_classes: int
    cleaning: Cleaning

    def __call__(self, source: Source) -> ImageAreas:
        mask, changes = read_clean(self.predictions, source, self.num_classes, self.cleaning)
        not_predicted = sum(box.width * box.height for box in source.unpredicted)
        compared = {}
        if self.dataset:
            truth, _ = judged_truth(read_truth(self.dataset, source, self.num_classes), source.unpredicted)
            compared = compare(truth, mask, self.num_classes)
        return ImageAreas(
            stem=source.stem,
            group=source.row.group,
            split=source.row.split,
            predicted=mask.size - not_predicted,
            not_predicted=not_predicted,
            objects=find_objects(without(mask, source.unpredicted), source.unpredicted),
            compared=compared,
            changes=changes,
        )


def find_objects(mask: Mask, unpredicted: tuple[Box, ...] = ()) -> dict[int, Objects]:
    """The objects of each class of a mask; 255 is none."""
    edge = _edge(mask.shape, unpredicted)
    found = {}
    for class_id, window in foreground_windows(mask):
        objects = label((mask[window] == class_id).view(np.uint8))
        order = objects.largest(len(objects))
        cut = objects.count_in(edge[window]) > 0
        corner = np.array([window[1].start, window[0].start, 0, 0], np.int64)
        found[class_id] = Objects(objects.boxes[order] + corner, objects.pixels[order], cut[order])
    return found


def _edge(shape: tuple[int, ...], unpredicted: tuple[Box, ...]) -> Mask:
    """1 at the pixels next to the end of what is known."""
    edge = np.zeros(shape, np.uint8)
    edge[[0, -1]] = 1
    edge[:, [0, -1]] = 1
    for box in unpredicted:
        rows = slice(max(box.top - 1, 0), box.top + box.height + 1)
        edge[rows, max(box.left - 1, 0) : box.left + box.width + 1] = 1
    return edge


def compare(truth: Mask, prediction: Mask, num_classes: int) -> dict[int, Compared]:
    """Every class of two masks of one shape, where the truth is not ignore."""
    confusion = count(truth, prediction, num_classes)
    found = {each.class_id: class_objects(each) for each in class_windows(truth, prediction, num_classes)}
    return {
        class_id: Compared(
            true=int(confusion[class_id].sum()),
            predicted=int(confusion[:, class_id].sum()),
            true_objects=len(found[class_id].true.objects) if class_id in found else 0,
            found=int(found[class_id].true.found().sum()) if class_id in found else 0,
        )
        for class_id in range(1, num_classes)
    }

"""The objects of a mask: connected regions, of eight neighbours, of one class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formats.arrays import Flags, Ints
from formats.masks import Mask
from formats.objects.labelled import label_runs
from formats.objects.runs import value_runs


@dataclass(frozen=True)
class Objects:
    """The objects of one image, class by class; every array has one place for each, int64 (n,): class id, pixels, width
    and height of the box around it. `at_edge` says which reach the image's edge."""

    classes: Ints
    pixels: Ints
    widths: Ints
    heights: Ints
    at_edge: Flags


def find_objects(mask: Mask, num_classes: int) -> Objects:
    """The objects of classes 1 to `num_classes` - 1. Each pixel is looked at once, whatever the number of classes."""
    runs, values = value_runs(mask)
    present = [value for value in np.unique(values).tolist() if 0 < value < num_classes]
    found = [label_runs(runs.chosen(values == class_id)) for class_id in present]
    left, top, widths, heights = np.concatenate([np.zeros((0, 4), np.int64), *(each.boxes for each in found)]).T
    height, width = mask.shape
    return Objects(
        classes=np.repeat(np.array(present, np.int64), np.array(list(map(len, found)), np.int64)),
        pixels=np.concatenate([np.zeros(0, np.int64), *(each.pixels for each in found)]),
        widths=widths,
        heights=heights,
        at_edge=(left == 0) | (top == 0) | (left + widths == width) | (top + heights == height),
    )

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
    """The objects of one image, in the order of their first pixels; every array has one place for each, int64 (n,):
    class id, pixels, width and height of the box around it. `at_edge` says which reach the image's edge."""

    classes: Ints
    pixels: Ints
    widths: Ints
    heights: Ints
    at_edge: Flags


def find_objects(mask: Mask, num_classes: int) -> Objects:
    """The objects of classes 1 to `num_classes` - 1. Each pixel is looked at once, whatever the number of classes."""
    runs, values = value_runs(mask)
    foreground = np.flatnonzero((values > 0) & (values < num_classes))
    runs, values = runs.chosen(foreground), values[foreground]
    found = label_runs(runs, values=values)
    classes = np.zeros(len(found), np.int64)
    classes[found.of] = values
    left, top, widths, heights = found.boxes.T
    height, width = mask.shape
    at_edge = (left == 0) | (top == 0) | (left + widths == width) | (top + heights == height)
    return Objects(classes, found.pixels, widths, heights, at_edge)

"""More objects than a tool can show and a person correct: refused before they are drawn, with what to pass."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from analysis.masks.cleaning import clean, enclosed, foreground_windows
from analysis.options import Cleaning
from formats.arrays import Ints
from formats.errors import SagesegError
from formats.masks import Mask
from formats.objects.labelled import label

MOST_OBJECTS = 10_000
PIXELS_PER_OBJECT = 1_000
"""A large image may have one object for so many of its pixels."""
LEAST_PIXELS = (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def require_few(mask: Mask, most: int | None, name: str, neighbours: int = 8) -> None:
    """Raise SagesegError, which names the image, where a mask has more than `most` objects (of so many neighbours) and
    holes; None is what MOST_OBJECTS and PIXELS_PER_OBJECT say."""
    most = most_of(mask.size, most)
    number = count_outlines(mask, neighbours)
    if number > most:
        raise too_many(name, f"{number:,} objects and holes", number, most, _cure(mask, most, neighbours))


def most_of(pixels: int, most: int | None) -> int:
    """How many objects an image of so many pixels may have."""
    return most or max(MOST_OBJECTS, pixels // PIXELS_PER_OBJECT)


def too_many(name: str, what: str, number: int, most: int, cure: str) -> SagesegError:
    """The refusal of an image, with the words that help."""
    cures = ", or ".join(filter(None, (cure, f"--most-objects {number} takes all")))
    return SagesegError(f"{name}: {what}, of which {most:,} can be looked through; {cures}")


def few_enough(sizes: Sequence[int], most: int) -> str:
    """The --least-pixels that leaves at most so many of objects of these sizes, as words of a command line."""
    for least in LEAST_PIXELS:
        left = sum(size >= least for size in sizes)
        if left <= most:
            return f"--least-pixels {least} leaves {left:,}"
    return ""


def _cure(mask: Mask, most: int, neighbours: int) -> str:
    """The first cleaning that leaves few enough, as words of a command line; empty where none does. Sizes tell which
    may, so that few are tried."""
    objects, holes = _sizes(mask)
    for least in LEAST_PIXELS:
        for words, rules, left in (
            (f"--least-pixels {least}", Cleaning(least), holes.size),
            (f"--least-pixels {least} --fill-holes {least}", Cleaning(least, fill_holes=least), (holes > least).sum()),
        ):
            if (objects >= least).sum() + left > most:
                continue
            number = count_outlines(clean(mask, rules)[0], neighbours)
            if number <= most:
                return f"{words} leaves {number:,}"
    return ""


def _sizes(mask: Mask) -> tuple[Ints, Ints]:
    """The pixels of each object and of each hole."""
    objects, holes = [], []
    for class_id, window in foreground_windows(mask):
        flags = (mask[window] == class_id).view(np.uint8)
        objects.append(label(flags).pixels)
        around = label(1 - flags, neighbours=4)
        holes.append(around.pixels[enclosed(around)])
    return np.concatenate(objects), np.concatenate(holes)


def count_outlines(mask: Mask, neighbours: int = 8) -> int:
    """The objects, of eight neighbours or four, of all classes of a mask, and the holes in them, whatever is there."""
    number = 0
    for class_id, window in foreground_windows(mask):
        flags = (mask[window] == class_id).view(np.uint8)
        objects, _ = cv2.connectedComponents(flags, connectivity=neighbours)
        around, labels = cv2.connectedComponents(1 - flags, connectivity=12 - neighbours)
        edge = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
        number += objects - 1 + around - 1 - np.count_nonzero(np.unique(edge))
    return number

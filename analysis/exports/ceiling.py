"""More objects than a tool can show and a person correct: refused before they are drawn, with what to pass."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from analysis.masks.cleaning import clean, enclosed, foreground_windows
from analysis.masks.labelled import label
from analysis.masks.runs import Ints
from analysis.options import Cleaning
from formats.errors import SagesegError
from formats.masks import Mask

MOST_OBJECTS = 10_000
PIXELS_PER_OBJECT = 1_000
"""A large image may have one object for so many of its pixels."""
_LEAST_PIXELS = (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def require_few(mask: Mask, most: int | None, name: str, neighbours: int = 8) -> None:
    """Raise SagesegError, which names the image, where a mask has more than `most` objects (of so many neighbours) and
    holes; None is what MOST_OBJECTS and PIXELS_PER_OBJECT say."""
    most = most or max(MOST_OBJECTS, mask.size // PIXELS_PER_OBJECT)
    number = count_outlines(mask, neighbours)
    if number > most:
        cures = [*_cures(mask, most, neighbours), f"--most-objects {number} takes all"]
        raise SagesegError(
            f"{name}: {number:,} objects and holes, of which {most:,} can be looked through; {', or '.join(cures)}"
        )


def _cures(mask: Mask, most: int, neighbours: int) -> Iterator[str]:
    """The first cleaning that leaves few enough, as words of a command line. Sizes tell which may, so that few are
    tried."""
    objects, holes = _sizes(mask)
    for least in _LEAST_PIXELS:
        for words, rules, left in (
            (f"--least-pixels {least}", Cleaning(least), holes.size),
            (f"--least-pixels {least} --fill-holes {least}", Cleaning(least, fill_holes=least), (holes > least).sum()),
        ):
            if (objects >= least).sum() + left > most:
                continue
            number = count_outlines(clean(mask, rules)[0], neighbours)
            if number <= most:
                yield f"{words} leaves {number:,}"
                return


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

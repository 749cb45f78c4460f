"""Polygons and run lengths as pycocotools draws them: COCO's own raster is the definition.

The square from 10 to 20 covers 100 pixels there, where Pillow and OpenCV fill 121.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from formats.errors import SagesegError
from prep.readers.annotations.canvas import Region

_LEAST_NUMBERS = 6
"""x and y of three points."""


def polygon_region(rings: Sequence[Sequence[float]], class_id: int, size: tuple[int, int], place: str) -> Region:
    """The union of polygons, each x, y, x, y, … in pixels of an image of (width, height).

    Raises SagesegError, naming `place`, for rings of fewer than three points, an odd count, or what is no number.
    """
    for ring in rings:
        _check_ring(ring, place)
    masks = coco_masks()
    width, height = size
    columns = [x for ring in rings for x in ring[0::2]]
    rows = [y for ring in rings for y in ring[1::2]]
    # Beyond a canvas cut at the last column and row pixels are lost, and none change. Points are not moved: the
    # raster rounds fifths of pixels, and 100.1 less 100 is no longer a fifth.
    right, bottom = _end(max(columns), width), _end(max(rows), height)
    left, top = _start(min(columns), right), _start(min(rows), bottom)
    if left >= right or top >= bottom:
        return Region(class_id, 0, 0, np.zeros((0, 0), np.bool_))
    # of floats alone: pycocotools takes four ints for a box
    runs = masks.frPyObjects([[float(number) for number in ring] for ring in rings], bottom, right)
    drawn = masks.decode(masks.merge(runs) if len(runs) > 1 else runs[0])
    return Region(class_id, left, top, drawn[top:, left:].view(np.bool_))


def _check_ring(ring: Sequence[float], place: str) -> None:
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in ring):
        raise SagesegError(f"{place}: a polygon holds what is no number; expected x, y, x, y, …")
    if len(ring) % 2:
        raise SagesegError(f"{place}: a polygon of {len(ring)} numbers; expected pairs of x and y")
    if len(ring) < _LEAST_NUMBERS:
        raise SagesegError(f"{place}: a polygon of {len(ring) // 2} points; expected three or more")
    if not all(map(math.isfinite, ring)):
        raise SagesegError(f"{place}: a polygon with a point that is no finite number")


def _end(last: float, length: int) -> int:
    return max(0, min(length, math.ceil(last) + 2))


def _start(first: float, end: int) -> int:
    return min(end, max(0, math.floor(first) - 1))


def run_length_region(counts: Sequence[int] | str, class_id: int, size: tuple[int, int], place: str) -> Region:
    """Runs of 0 and 1 in turn, column by column, over an image of (width, height): as numbers, or as COCO's text.

    Raises SagesegError, naming `place`, where they are of another length than the image.
    """
    width, height = size
    masks = coco_masks()
    if isinstance(counts, str):
        _check_sum(_text_counts(counts, place), size, place)
        runs: Any = {"size": [height, width], "counts": counts.encode("ascii")}
    else:
        _check_sum(counts, size, place)
        runs = masks.frPyObjects({"size": [height, width], "counts": list(counts)}, height, width)
    drawn = masks.decode(runs)
    return Region(class_id, 0, 0, drawn.view(np.bool_))


def _text_counts(text: str, place: str) -> list[int]:
    """The runs of COCO's text: six bits a character from 48 on, five of number and one that says that it goes on; from
    the third run on what is written is the difference to the run before the last (cocoapi, maskApi.c, rleFrString)."""
    counts: list[int] = []
    number = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise SagesegError(f"{place}: run lengths with the character {character!r}; expected COCO's text")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        counts.append(number + counts[-2] if len(counts) > 2 else number)
        number = shift = 0
    if shift:
        raise SagesegError(f"{place}: run lengths that are cut short; export them again")
    return counts


def _check_sum(counts: Sequence[int], size: tuple[int, int], place: str) -> None:
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in counts):
        raise SagesegError(f"{place}: run lengths hold what is no count of pixels; expected whole numbers from 0 on")
    if sum(counts) != size[0] * size[1]:
        raise SagesegError(
            f"{place}: run lengths of {sum(counts)} pixels, but the image has {size[0]}×{size[1]} = {size[0] * size[1]}"
        )


def coco_masks() -> Any:
    """pycocotools' module, which the extra `coco` installs."""
    try:
        from pycocotools import mask
    except ImportError as e:
        raise SagesegError("pycocotools draws these shapes and is not installed: pip install -e '.[coco]'") from e
    return mask

"""Polygons and run lengths as pycocotools draws them: COCO's own raster is the definition.

The square from 10 to 20 covers 100 pixels there, where Pillow and OpenCV fill 121.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.errors import SagesegError
from formats.limits import MOST_PIXELS, check_pixels
from prep.readers.annotations.canvas import Region

_LEAST_NUMBERS = 6
"""x and y of three points."""
_FARTHEST = 1_000_000
"""Coordinates beyond are a mistake, and would take long to draw."""
_MOST_DIGITS = 8
"""Characters of one run in COCO's text: 40 bits, more than any image has pixels."""
_TEXT = "expected COCO's text"
_NO_COUNT = "run lengths hold what is no count of pixels; expected whole numbers from 0 on"
_CUT_SHORT = "run lengths that are cut short; export them again"
Runs = npt.NDArray[np.int64]
"""Lengths of runs of 0 and 1 in turn, column by column."""


def polygon_region(rings: Sequence[Sequence[float]], class_id: int, size: tuple[int, int], place: str) -> Region:
    """The union of polygons, each x, y, x, y, … in pixels of an image of (width, height).

    Raises SagesegError, naming `place`, for rings of fewer than three points, an odd count, what is no number, and
    points a million pixels away.
    """
    for ring in rings:
        check_ring(ring, place)
    masks = coco_masks()
    drawn = masks.frPyObjects(list(rings), size[1], size[0])
    merged = masks.merge(drawn) if len(drawn) > 1 else drawn[0]
    return _region(_text_runs(merged["counts"], place), class_id, size)


def check_ring(ring: Sequence[float], place: str) -> None:
    """Raise SagesegError, naming `place`, for what is no polygon."""
    plain = set(map(type, ring)) <= {int, float}  # ten times as fast as what follows
    if not plain and any(isinstance(side, bool) or not isinstance(side, int | float) for side in ring):
        raise SagesegError(f"{place}: a polygon holds what is no number; expected x, y, x, y, …")
    if len(ring) % 2:
        raise SagesegError(f"{place}: a polygon of {len(ring)} numbers; expected pairs of x and y")
    if len(ring) < _LEAST_NUMBERS:
        raise SagesegError(f"{place}: a polygon of {len(ring) // 2} points; expected three or more")
    # an int may be too large for a float, and isfinite would not take it
    if not (min(ring) >= -_FARTHEST and max(ring) <= _FARTHEST and all(map(math.isfinite, ring))):
        raise SagesegError(
            f"{place}: a polygon with a point that is no finite number, or lies over {_FARTHEST:,} pixels away; "
            "correct or remove it"
        )


def run_length_region(counts: Sequence[int] | str, class_id: int, size: tuple[int, int], place: str) -> Region:
    """Runs of 0 and 1 in turn, column by column, over an image of (width, height): as numbers, or as COCO's text.

    Raises SagesegError, naming `place`, where they are of another length than the image.
    """
    return _region(read_runs(counts, size, place), class_id, size)


def read_runs(counts: Sequence[int] | str, size: tuple[int, int], place: str) -> Runs:
    """The lengths, checked, of runs over an image of (width, height). Raises what `run_length_region` raises."""
    check_pixels(*size, f"{place}: run lengths", "correct their size")
    if isinstance(counts, str):
        try:
            runs = _text_runs(counts.encode("ascii"), place)
        except UnicodeEncodeError as e:
            raise SagesegError(f"{place}: run lengths with the character {counts[e.start]!r}; {_TEXT}") from e
        lowest, highest = int(runs.min(initial=0)), int(runs.max(initial=0))
        # of runs longer than any image the sum of 64 bits might begin again at 0
        total = int(runs.sum()) if highest <= MOST_PIXELS else highest
    else:
        if not set(map(type, counts)) <= {int}:
            raise SagesegError(f"{place}: {_NO_COUNT}")
        lowest, total = min(counts, default=0), sum(counts)
    if lowest < 0:
        raise SagesegError(f"{place}: {_NO_COUNT}")
    pixels = size[0] * size[1]
    if total != pixels:
        raise SagesegError(f"{place}: run lengths of {total} pixels, but the image has {size[0]}×{size[1]} = {pixels}")
    return runs if isinstance(counts, str) else np.array(counts, np.int64)


def _text_runs(text: bytes, place: str) -> Runs:
    """The runs of COCO's text: six bits a character from 48 on, five of number and one that says that it goes on; from
    the fourth run on what is written is the difference to the run before the last (cocoapi, maskApi.c,
    rleFrString)."""
    bits = np.frombuffer(text, np.uint8) - np.uint8(48)  # those below wrap around to the highest
    wrong = np.flatnonzero(bits > 63)
    if wrong.size:
        raise SagesegError(f"{place}: run lengths with the character {chr(text[wrong[0]])!r}; {_TEXT}")
    ends = np.flatnonzero(bits & 32 == 0)
    if not bits.size:
        return np.zeros(0, np.int64)
    if not ends.size or ends[-1] != bits.size - 1:
        raise SagesegError(f"{place}: {_CUT_SHORT}")
    starts = np.concatenate(([0], ends[:-1] + 1))
    digits = ends - starts + 1
    if digits.max() > _MOST_DIGITS:
        raise SagesegError(f"{place}: a run longer than any image; {_TEXT}")
    shifts = 5 * (np.arange(bits.size) - np.repeat(starts, digits))
    written = np.add.reduceat((bits & 31).astype(np.int64) << shifts, starts)
    written -= np.where(bits[ends] & 16, np.int64(1) << (5 * digits), 0)
    written[1::2] = np.cumsum(written[1::2])
    written[2::2] = np.cumsum(written[2::2])
    return written


def _region(runs: Runs, class_id: int, size: tuple[int, int]) -> Region:
    """What runs over an image of (width, height) cover, cut to the columns and rows that hold any of it."""
    edges = np.cumsum(runs)
    starts, ends = edges[: edges.size // 2 * 2 : 2], edges[1::2]
    covering = ends > starts
    if not covering.any():
        return Region(class_id, 0, 0, np.zeros((0, 0), np.bool_))
    columns, rows = np.divmod(starts[covering], size[1])
    last_columns, last_rows = np.divmod(ends[covering] - 1, size[1])
    left, right = int(columns[0]), int(last_columns[-1]) + 1
    top, bottom = 0, size[1]
    if (columns == last_columns).all():
        top, bottom = int(rows.min()), int(last_rows.max()) + 1
    height = bottom - top
    marks = np.empty(2 * columns.size + 2, np.int64)
    marks[0], marks[-1] = 0, (right - left) * height
    marks[1:-1:2] = (columns - left) * height + rows - top
    marks[2:-1:2] = (last_columns - left) * height + last_rows - top + 1
    inside = np.zeros(marks.size - 1, np.bool_)
    inside[1::2] = True
    flags = np.repeat(inside, marks[1:] - marks[:-1])
    return Region(class_id, left, top, flags.reshape(right - left, height).T)


def coco_masks() -> Any:
    """pycocotools' module, which the extra `coco` installs."""
    try:
        from pycocotools import mask
    except ImportError as e:
        raise SagesegError("pycocotools draws these shapes and is not installed: pip install -e '.[coco]'") from e
    return mask

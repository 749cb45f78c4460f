"""The crop grid: where crops lie, how they and their images are named, which pixels of the image each one owns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from formats.errors import SagesegError

_CROP_ID = re.compile(r"(?P<stem>.*)_x(?P<left>\d{1,9})_y(?P<top>\d{1,9})", re.DOTALL)


@dataclass(frozen=True, order=True, slots=True)
class Box:
    """A rectangle of pixels; `left` and `top` are its first column and row."""

    left: int
    top: int
    width: int
    height: int


def crop_grid(width: int, height: int, size: int | None, overlap: int = 0) -> list[Box]:
    """The crops of an image of width × height pixels, row by row.

    Every crop is size × size. Neighbours share `overlap` pixels; the last row and column shift
    inward and share more. Where a side is smaller than the crop, the crop reaches over the edge
    and is padded. With size None the one crop is the whole image.
    """
    if size is None:
        return [Box(0, 0, width, height)]
    if size < 1 or not 0 <= overlap < size:
        raise SagesegError(f"crop {size} with overlap {overlap}: the overlap must be 0 or more and less than the crop")
    return [
        Box(left, top, size, size)
        for top in _starts(height, size, size - overlap)
        for left in _starts(width, size, size - overlap)
    ]


def _starts(length: int, size: int, step: int) -> list[int]:
    last = max(length - size, 0)
    return [*range(0, last, step), last]


def owned_boxes(crops: list[Box], width: int, height: int) -> dict[Box, Box]:
    """The part of a width × height image that each crop of a grid owns: where crops overlap, the
    line lies halfway, so that every pixel belongs to the crop in which it is farthest from the edge.

    The owned boxes divide the image: no pixel is left out or owned twice.
    """
    columns = _owned_spans({(crop.left, crop.width) for crop in crops}, width)
    rows = _owned_spans({(crop.top, crop.height) for crop in crops}, height)
    owned = {}
    for crop in crops:
        left, right = columns[crop.left]
        top, bottom = rows[crop.top]
        owned[crop] = Box(left, top, right - left, bottom - top)
    return owned


def _owned_spans(spans: set[tuple[int, int]], length: int) -> dict[int, tuple[int, int]]:
    ordered = sorted(spans)
    cuts = [(start + size + following) // 2 for (start, size), (following, _) in pairwise(ordered)]
    edges = [0, *cuts, length]
    return {start: (edges[i], edges[i + 1]) for i, (start, _) in enumerate(ordered)}


def crop_id(stem: str, crop: Box) -> str:
    """The name of a crop, `<stem>_x<left>_y<top>`: the id of its files and of its manifest row."""
    return f"{stem}_x{crop.left}_y{crop.top}"


def parse_crop_id(name: str) -> tuple[str, int, int]:
    """The (stem, left, top) that `crop_id` wrote into a name."""
    match = _CROP_ID.fullmatch(name)
    if match is None:
        raise SagesegError(f"{name}: not the name of a crop; expected <stem>_x<left>_y<top>")
    return match["stem"], int(match["left"]), int(match["top"])

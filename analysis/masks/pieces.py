"""Crops put back together: the reverse of cutting an image by `formats.crops.crop_grid`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from formats.crops import Box, owned_boxes
from formats.masks import nearest

Pixels = npt.NDArray[np.uint8]
"""A mask, shape (height, width), or an image, shape (height, width, 3); dtype uint8."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One crop of a source: where it lies, and the part of the source that is taken from it. Small, as there
    are two for each of very many images."""

    id: str
    crop: Box
    owned: Box


def divide(crops: Mapping[str, Box], width: int, height: int) -> list[Piece]:
    """The crops of one source, by id, each with the part of the width × height source it owns.

    Pass all crops of the grid, those without files too: what a crop owns then does not depend on which
    are there (`spread` shares out what absent ones own). It always lies inside both the crop and the source.
    """
    owned = owned_boxes(list(crops.values()), width, height)
    return [Piece(row_id, crop, _overlap(owned[crop], crop)) for row_id, crop in crops.items()]


def _overlap(a: Box, b: Box) -> Box:
    if a == b:
        return b
    left, top = max(a.left, b.left), max(a.top, b.top)
    right = min(a.left + a.width, b.left + b.width)
    bottom = min(a.top + a.height, b.top + b.height)
    return Box(left, top, max(right - left, 0), max(bottom - top, 0))


def in_rows(piece: Piece, top: int, bottom: int) -> Piece:
    """A piece as seen from row `top`, with what it owns of the rows from there to `bottom`."""
    crop = Box(piece.crop.left, piece.crop.top - top, piece.crop.width, piece.crop.height)
    owned = Box(piece.owned.left, piece.owned.top - top, piece.owned.width, piece.owned.height)
    return Piece(piece.id, crop, _overlap(owned, Box(owned.left, 0, owned.width, bottom - top)))


def spread(pieces: Iterable[Piece], width: int, height: int) -> list[Piece]:
    """The pieces of a source of width × height, and more of the same crops for the pixels that they cover and
    none of them owns: an absent neighbour owned those."""
    made = list(pieces)
    if owned_pixels(made) == width * height:
        return made
    left, further = left_over([piece.owned for piece in made], width, height), []
    for piece in made:
        taken = [box for box in (_overlap(each, piece.crop) for each in left) if box.width and box.height]
        further += [Piece(piece.id, piece.crop, box) for box in taken]
        if taken:
            left = [rest for each in left for rest in _without(each, piece.crop)]
    return [*made, *further]


def _without(box: Box, cut: Box) -> list[Box]:
    """What is left of a box, as boxes that do not overlap."""
    hole = _overlap(box, cut)
    if not (hole.width and hole.height):
        return [box]
    right, bottom = box.left + box.width, box.top + box.height
    parts = [
        Box(box.left, box.top, box.width, hole.top - box.top),
        Box(box.left, hole.top, hole.left - box.left, hole.height),
        Box(hole.left + hole.width, hole.top, right - hole.left - hole.width, hole.height),
        Box(box.left, hole.top + hole.height, box.width, bottom - hole.top - hole.height),
    ]
    return [part for part in parts if part.width and part.height]


def left_over(boxes: Iterable[Box], width: int, height: int) -> list[Box]:
    """What no box covers of a source of width × height, as boxes that do not overlap, row by row."""
    there = [box for box in (_overlap(box, Box(0, 0, width, height)) for box in boxes) if box.height]
    found = []
    for top, bottom in pairwise(sorted({0, height} | {y for box in there for y in (box.top, box.top + box.height)})):
        start = 0
        spans = ((box.left, box.left + box.width) for box in there if box.top <= top < box.top + box.height)
        for left, right in [*sorted(spans), (width, width)]:
            if start < left:
                found.append(Box(start, top, left - start, bottom - top))
            start = max(start, right)
    return found


def boxes_at(boxes: Iterable[Box], size: tuple[int, int], to: tuple[int, int]) -> list[Box]:
    """Boxes of an image of `size` (width, height) as boxes of the same image at size `to`: the pixels
    under whose centre, as `formats.masks.resize_mask` has it, lies a pixel of the box."""
    if size == to:
        return list(boxes)
    columns, rows = (nearest(there, here) for there, here in zip(to, size, strict=True))
    found = []
    for box in boxes:
        left, right = np.searchsorted(columns, [box.left, box.left + box.width]).tolist()
        top, bottom = np.searchsorted(rows, [box.top, box.top + box.height]).tolist()
        found.append(Box(left, top, right - left, bottom - top))
    return [box for box in found if box.width and box.height]


def owned_pixels(pieces: Iterable[Piece]) -> int:
    """How many pixels of the source the pieces cover; none is owned twice."""
    return sum(piece.owned.width * piece.owned.height for piece in pieces)


def assemble(shape: tuple[int, ...], parts: Iterable[tuple[Piece, Pixels]], fill: int) -> Pixels:
    """One array of `shape` (height, width, …) from crops, each giving the pixels that it owns.

    A crop's pixels have the crop's size, padding included; what no part covers is `fill`. The pixels
    of a crop that is all of it are returned as they are.
    """
    whole = None
    for piece, pixels in parts:
        if pixels.shape == shape and piece.owned == piece.crop:
            return pixels
        if whole is None:
            whole = np.full(shape, fill, np.uint8)
        owned, crop = piece.owned, piece.crop
        left, top = owned.left - crop.left, owned.top - crop.top
        inner = pixels[top : top + owned.height, left : left + owned.width]
        whole[owned.top : owned.top + owned.height, owned.left : owned.left + owned.width] = inner
    return np.full(shape, fill, np.uint8) if whole is None else whole

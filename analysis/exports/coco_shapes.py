"""One object as COCO holds it: run lengths, or a ring of points that COCO's own raster fills with its pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from formats.arrays import Flags
from formats.errors import SagesegError

Points = npt.NDArray[np.int32]
"""Corners x, y, shape (n, 2), between pixels: a square of one pixel at 0, 0 is (0, 0), (1, 0), (1, 1), (0, 1)."""


def run_lengths(flags: Flags, left: int, top: int, size: tuple[int, int]) -> list[int]:
    """Runs of 0 and 1 in turn, column by column, over an image of (width, height) in which an object lies at (left,
    top) with its flags, shape (h, w), at least one of them set."""
    width, height = size
    columns = np.zeros((flags.shape[1], flags.shape[0] + 2), np.bool_)  # a 0 before and after each column
    columns[:, 1:-1] = flags.T
    line = columns.ravel()
    column, row = np.divmod(np.flatnonzero(line[1:] != line[:-1]), columns.shape[1])
    edges = (left + column) * height + top + row
    starts, ends = edges[0::2], edges[1::2]
    apart = np.concatenate(([True], starts[1:] != ends[:-1]))  # a run may go on in the next column
    edges = np.stack([starts[apart], ends[np.roll(apart, -1)]], axis=1).ravel()
    counts: list[int] = np.diff(edges, prepend=0, append=width * height).tolist()
    return counts if counts[-1] else counts[:-1]


def ring(flags: Flags, left: int, top: int, tolerance: float) -> Points:
    """The outline of an object, along the edges of its pixels, as one ring: to each hole it goes and comes back on one
    line, which encloses nothing. It strays at most `tolerance` pixels from the edges; by 0 not at all."""
    simple = [_simple(each, tolerance) for each in _rings(flags)]
    outer, *holes = sorted(simple, key=lambda each: -abs(_area(each)))
    for hole in holes:
        outer = _joined(outer, hole if _area(hole) * _area(outer) < 0 else hole[::-1])
    moved: Points = outer + np.array([left, top], np.int32)
    return moved


def _rings(flags: Flags) -> list[Points]:
    """All edges between an object and what is around it and in it, as rings of which each pixel inside is in an odd
    number: corners of one row are joined two by two, and so are those of one column."""
    cells = np.pad(flags, 1)
    upper_left, upper_right, lower_left, lower_right = cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]
    corner = upper_left ^ upper_right ^ lower_left ^ lower_right
    touching = (upper_left == lower_right) & (upper_right == lower_left) & (upper_left != upper_right)
    rows, columns = np.nonzero(corner | touching)
    # where two pixels touch by their corners alone two corners lie in one place
    points = np.repeat(np.stack([columns, rows], 1).astype(np.int32), 1 + touching[rows, columns], axis=0)
    down = np.lexsort((points[:, 1], points[:, 0]))
    partner = np.empty_like(down)
    partner[down] = down.reshape(-1, 2)[:, ::-1].ravel()
    return [points[walk] for walk in _walks(partner.tolist())]


def _walks(partner: list[int]) -> Iterator[list[int]]:
    """Walks over all corners: along a row to the neighbour, whose number differs in the last bit, then along a column
    to the partner, until the walk is back."""
    open_corners = bytearray(b"\1") * len(partner)
    for start in range(len(partner)):
        walk: list[int] = []
        number = start
        while open_corners[number]:
            walk += (number, number ^ 1)
            open_corners[number] = open_corners[number ^ 1] = 0
            number = partner[number ^ 1]
        if walk:
            yield walk


def _area(points: Points) -> float:
    """The area that a ring encloses, negative where it turns the other way."""
    return float(cv2.contourArea(points, oriented=True))


def _simple(points: Points, tolerance: float) -> Points:
    if not tolerance:
        return points
    simple = np.asarray(cv2.approxPolyDP(points[:, None], tolerance, closed=True)[:, 0], np.int32)
    # what is thinner than the tolerance keeps its edges
    return simple if len(simple) > 2 else points


def _joined(outer: Points, hole: Points) -> Points:
    """One ring of two, by a line between those of their points that lie nearest to a corner of the hole."""
    near = int(np.abs(outer - hole[0]).sum(axis=1).argmin())
    return np.concatenate((outer[: near + 1], hole, hole[:1], outer[near:]))


def run_length_text(counts: Sequence[int], size: tuple[int, int]) -> str:
    """Run lengths as COCO's text."""
    width, height = size
    runs = coco_masks().frPyObjects({"size": [height, width], "counts": list(counts)}, height, width)
    return str(runs["counts"].decode("ascii"))


def fill(points: Sequence[float], size: tuple[int, int]) -> Flags:
    """What COCO's raster fills of a ring x, y, x, y, …, shape (height, width)."""
    width, height = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools 2.0.11's under numpy 2
        drawn = coco_masks().decode(coco_masks().frPyObjects([list(map(float, points))], height, width))
    return np.asarray(drawn[..., 0]).view(np.bool_)


def coco_masks() -> Any:
    """pycocotools' module, which the extra `coco` installs."""
    try:
        from pycocotools import mask
    except ImportError as e:
        raise SagesegError("pycocotools writes COCO's masks and is not installed: pip install -e '.[coco]'") from e
    return mask

"""Overlapping crops' probabilities blended: where crops share pixels, a window weighs them.

Only shared pixels cost arithmetic: where one crop lies alone, its likeliest class is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.pieces import Piece
from formats.masks import Mask

Values = npt.NDArray[np.floating[Any]]
"""Class probabilities, shape (C, h, w), each 0..1."""
Read = Callable[[Piece], Values]

_BLOCK_ROWS = 64
"""Rows worked on at once, so that sums and the best value so far stay in the cache."""


@dataclass(frozen=True)
class Cell:
    """The columns `left` to `right` of a band of rows, and the crops that cover all of it."""

    left: int
    right: int
    pieces: tuple[Piece, ...]


def row_lines(pieces: Sequence[Piece], height: int) -> list[int]:
    """The rows where the set of covering crops changes, 0 and `height` included."""
    return _lines([(piece.crop.top, piece.crop.height) for piece in pieces], height)


def _lines(spans: Sequence[tuple[int, int]], length: int) -> list[int]:
    ends = {end for start, size in spans for end in (start, start + size)}
    return sorted({0, length} | {end for end in ends if 0 < end < length})


def cells(pieces: Sequence[Piece], width: int) -> Iterator[Cell]:
    """Divide a band of rows, which all its `pieces` cover, by the crops' left and right edges."""
    for left, right in pairwise(_lines([(piece.crop.left, piece.crop.width) for piece in pieces], width)):
        covering = (p for p in pieces if p.crop.left <= left and right <= p.crop.left + p.crop.width)
        yield Cell(left, right, tuple(covering))


@cache
def window(height: int, width: int) -> npt.NDArray[np.float32]:
    """The weights of a crop's pixels, shape (height, width): sin² along either side (Hann's window),
    so next to nothing at the edges, where a network sees least around a pixel, and never 0."""
    rows, columns = (np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 for side in (height, width))
    return np.outer(rows, columns).astype(np.float32)


def blend_labels(pieces: Sequence[Piece], top: int, bottom: int, width: int, read: Read) -> Mask:
    """The likeliest class of each pixel of a band of rows, (bottom - top, width) uint8.

    `pieces` are all crops of the band, each covering all its rows; `read` gives a crop's
    probabilities. Of equally likely classes the lowest wins; without a crop it is background.
    """
    labels = np.zeros((bottom - top, width), np.uint8)
    for cell in cells(pieces, width):
        parts = [_cut(read(piece), piece, cell, top, bottom) for piece in cell.pieces]
        place = labels[:, cell.left : cell.right]
        if len(parts) == 1:
            put_likeliest(parts[0], place)
        elif parts:
            weights = [_weights(piece, cell, top, bottom) for piece in cell.pieces]
            _put_likeliest_of_sum(parts, weights, place)
    return labels


def blend_probabilities(
    pieces: Sequence[Piece], top: int, bottom: int, width: int, num_classes: int, read: Read
) -> npt.NDArray[np.float16]:
    """The blended probabilities of a band of rows, (C, bottom - top, width) float16: the mean of the
    covering crops weighed by their windows; without a crop it is surely background."""
    blended = np.zeros((num_classes, bottom - top, width), np.float16)
    for cell in cells(pieces, width):
        parts = [_cut(read(piece), piece, cell, top, bottom) for piece in cell.pieces]
        place = blended[:, :, cell.left : cell.right]
        if len(parts) == 1:
            place[:] = parts[0]
        elif parts:
            weights = [_weights(piece, cell, top, bottom) for piece in cell.pieces]
            # float32 sums may end a rounding above 1
            place[:] = np.minimum(_weighted_sum(parts, weights) / sum(weights), 1)
        else:
            place[0] = 1
    return blended


def _cut(values: Values, piece: Piece, cell: Cell, top: int, bottom: int) -> Values:
    left = piece.crop.left
    return values[:, top - piece.crop.top : bottom - piece.crop.top, cell.left - left : cell.right - left]


def _weights(piece: Piece, cell: Cell, top: int, bottom: int) -> npt.NDArray[np.float32]:
    crop = piece.crop
    rows, columns = slice(top - crop.top, bottom - crop.top), slice(cell.left - crop.left, cell.right - crop.left)
    return window(crop.height, crop.width)[rows, columns]


def _put_likeliest_of_sum(parts: Sequence[Values], weights: Sequence[npt.NDArray[np.float32]], labels: Mask) -> None:
    if len(parts[0]) == 2:
        _put_likelier_of_two(parts, weights, labels)
        return
    for start in range(0, len(labels), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        put_likeliest(_weighted_sum([part[:, rows] for part in parts], [each[rows] for each in weights]), labels[rows])


def _put_likelier_of_two(parts: Sequence[Values], weights: Sequence[npt.NDArray[np.float32]], labels: Mask) -> None:
    """The sum of their difference tells the larger, in one array instead of two."""
    margins = (cv2.subtract(part[1], part[0], dtype=cv2.CV_32F) for part in parts)
    total = next(margins)
    total *= weights[0]
    for margin, weight in zip(margins, weights[1:], strict=True):
        cv2.accumulateProduct(margin, weight, total)
    np.greater(total, 0, out=labels.view(np.bool_))


def _weighted_sum(parts: Sequence[Values], weights: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    total = _weigh(parts[0], weights[0])
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total += _weigh(part, weight)
    return total


def _weigh(part: Values, weight: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Class by class in cv2, which turns float16 into float32 in a fifth of numpy's time."""
    weighed = np.empty(part.shape, np.float32)
    for values, place in zip(part, weighed, strict=True):
        cv2.multiply(values, weight, place, dtype=cv2.CV_32F)
    return weighed


def likeliest(values: npt.NDArray[Any]) -> Mask:
    """The class of the largest value of each pixel, (h, w) uint8, from (C, h, w) values of 0 or more;
    the lowest of equal ones. numpy's argmax over the first axis takes twenty times as long."""
    labels = np.empty(values[0].shape, np.uint8)
    put_likeliest(values, labels)
    return labels


def put_likeliest(values: npt.NDArray[Any], labels: Mask) -> None:
    """`likeliest`, into a mask, which may be a part of a larger one."""
    if values.dtype == np.float16:
        values = values.view(np.uint16)  # the bits of what is not negative order as the values do
    if len(values) == 2:
        np.greater(values[1], values[0], out=labels.view(np.bool_))
        return
    labels[:] = 0
    for start in range(0, labels.shape[0], _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        best = values[0, rows].copy()
        for class_id in range(1, len(values)):
            better = values[class_id, rows] > best
            np.maximum(best, values[class_id, rows], out=best)
            # a later class has the larger id
            np.maximum(labels[rows], better.view(np.uint8) * np.uint8(class_id), out=labels[rows])

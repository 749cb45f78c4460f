"""Signatures of thumbnails, and which of many are nearest by them: exact, by blocks, in memory that does not grow.

Every signature asked about is compared with every other one: images of one studio are all near each other, and a bound
by fewer numbers, of the directions in which images differ most, costs as much as the products that it spares. A pair
and its mirror image together cost 512 operations of a matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from formats.alike.alignment import SIDE

NEAREST = 3
"""So many of the most similar images, and of the most similar mirror images, are compared pixel by pixel with each
image."""
CELLS = 16

_SCALE = 24
_FARTHEST = 2 * CELLS**2 * _SCALE**2 * (1 - 0.7)
_ROWS, _COLUMNS = 256, 4096
"""Of a block of distances: what it takes is small beside a process, and its products outweigh its making."""
_AT_ONCE = 4096
"""Thumbnails whose signatures are made together, which bounds what is held besides."""

Signatures = npt.NDArray[np.int8]
"""Perceptual hashes, shape (n, CELLS²), whole numbers -127..127."""
_Block = npt.NDArray[np.float32]
Near = list[tuple[int, bool]]
"""Images by their places, and whether it is their mirror images that are near."""


def signatures(thumbnails: npt.NDArray[np.uint8]) -> Signatures:
    """The means of 16 × 16 cells of thumbnails, shape (n, SIDE, SIDE), freed of brightness and contrast. Each
    depends on its thumbnail alone."""
    hashes = np.empty((len(thumbnails), CELLS**2), np.int8)
    for start in range(0, len(thumbnails), _AT_ONCE):
        hashes[start : start + _AT_ONCE] = _signatures(thumbnails[start : start + _AT_ONCE])
    return hashes


def _signatures(thumbnails: npt.NDArray[np.uint8]) -> _Block:
    n, cell = len(thumbnails), SIDE // CELLS
    blocks = thumbnails.reshape(n, CELLS, cell, CELLS, cell)
    cells = blocks.sum(axis=(2, 4), dtype=np.uint16).reshape(n, -1) / np.float32(cell**2)
    cells -= cells.mean(axis=1, keepdims=True)
    contrast = np.maximum(cells.std(axis=1, keepdims=True), 2)  # a flat image stays flat, not noise made large
    return np.asarray(np.rint(cells / contrast * _SCALE).clip(-127, 127), np.float32)


def mirror(hashes: Signatures) -> Signatures:
    """The signatures of the mirror images."""
    return hashes.reshape(-1, CELLS, CELLS)[:, :, ::-1].reshape(len(hashes), -1)


def nearest(hashes: Signatures, images: Sequence[int], others: Sequence[int]) -> Iterator[tuple[int, Near]]:
    """Of each of `images` the nearest of `others`, all by their places in `hashes`: the NEAREST as they are, then the
    NEAREST mirrored, without those that are too far; of equally near ones the first in `others`."""
    asked, known = np.asarray(images, int), np.asarray(others, int)
    for start in range(0, len(asked), _ROWS):
        block = asked[start : start + _ROWS]
        for image, near in zip(block.tolist(), _nearest_of_block(hashes, block, known), strict=True):
            yield image, [(int(known[place]), mirrored) for place, mirrored in near]


def _nearest_of_block(hashes: Signatures, images: npt.NDArray[np.int_], others: npt.NDArray[np.int_]) -> list[Near]:
    even, odd = _halves(hashes[images])
    least = _squares(hashes[images]) - _FARTHEST
    found = [[_Best(low), _Best(low)] for low in least.tolist()]
    room = np.empty((4, len(images) * min(_COLUMNS, len(others))), np.float32)
    for start in range(0, len(others), _COLUMNS):
        chunk = hashes[others[start : start + _COLUMNS]]
        shape = len(images), len(chunk)
        evens, odds, plain, mirrored = (each[: shape[0] * shape[1]].reshape(shape) for each in room)
        their_even, their_odd = _halves(chunk)
        np.matmul(even, their_even.T, out=evens)
        np.matmul(odd, their_odd.T, out=odds)
        evens -= _squares(chunk)
        np.add(evens, odds, out=plain)
        np.subtract(evens, odds, out=mirrored)
        for turn, scores in enumerate((plain, mirrored)):
            for row in np.flatnonzero(scores.max(axis=1) >= [best[turn].least for best in found]).tolist():
                found[row][turn].add(scores[row], start)
    return [[(place, turn == 1) for turn in (0, 1) for place in best[turn].places] for best in found]


def _halves(hashes: Signatures) -> tuple[_Block, _Block]:
    """Each cell with the one across, added and taken off: shape (n, CELLS² / 2) both. The products of two images' sums
    and those of their differences add up to twice the product of their signatures; taken from each other, to that with
    the mirror image. All are whole numbers below 2²⁴, which float32 holds exactly, so that neither threads nor blocks
    can change a distance."""
    cells = hashes.reshape(-1, CELLS, CELLS).astype(np.float32)
    left, right = cells[:, :, : CELLS // 2], cells[:, :, : CELLS // 2 - 1 : -1]
    return (left + right).reshape(len(hashes), -1), (left - right).reshape(len(hashes), -1)


def _squares(hashes: Signatures) -> _Block:
    wide = hashes.astype(np.float32)
    return np.asarray(np.einsum("ij,ij->i", wide, wide), np.float32)


class _Best:
    """The places of the NEAREST so far, by their scores: 2 a b - b², which taken from a² leaves the square of the
    distance of a and b. What is below `least` is too far, or farther than all that are kept."""

    def __init__(self, least: float) -> None:
        self.least = least
        self._kept: list[tuple[float, int]] = []

    @property
    def places(self) -> list[int]:
        return [place for _, place in self._kept]

    def add(self, scores: _Block, start: int) -> None:
        """Look through the scores of the places from `start` on; overwrites them."""
        new: list[tuple[float, int]] = []
        while len(new) < NEAREST and scores[best := int(scores.argmax())] >= self.least:
            new.append((float(scores[best]), start + best))
            scores[best] = -np.inf
        self._kept = sorted([*self._kept, *new], key=lambda one: -one[0])[:NEAREST]  # of equal ones the earlier stays
        if len(self._kept) == NEAREST:
            self.least = max(self.least, self._kept[-1][0] + 1)  # scores are whole numbers

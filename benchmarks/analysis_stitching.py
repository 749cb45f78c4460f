"""Blending 15 crops of 512 × 512 to 1918 × 1280: analysis.masks.blend against tiler's merger.

    .venv/bin/pip install tiler
    .venv/bin/python benchmarks/analysis_stitching.py

Each gets the crops' probabilities as float32 arrays in memory, and gives class ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from side_by_side import tell
from tiler import Merger, Tiler

from analysis.masks.blend import blend_labels, row_lines, window
from analysis.masks.pieces import divide
from formats.console import result
from formats.crops import crop_grid, crop_id
from formats.masks import Mask

WIDTH, HEIGHT, CROP, OVERLAP, ROUNDS = 1918, 1280, 512, 64, 10
Shares = npt.NDArray[np.floating[Any]]
Work = Callable[[], list[Mask] | npt.NDArray[Any]]


def main() -> None:
    for num_classes in (2, 21):
        values = np.random.default_rng(0).random((num_classes, HEIGHT, WIDTH), np.float32)
        shares = values / values.sum(axis=0)
        compare(shares, num_classes)
        compare(shares.astype(np.float16), num_classes)  # as they lie on disk


def compare(shares: Shares, num_classes: int) -> None:
    expected = shares.argmax(axis=0)
    peers = {"analysis.masks.blend": ours(shares), "plain numpy": plain(shares), **theirs(shares, num_classes)}
    for name, work in peers.items():
        # each blends the same values; tiler's weights end at 0, so that it loses pixels at the image's edge
        result(f"{name}: {np.mean(np.concatenate(work()).reshape(expected.shape) != expected):.1e} of pixels differ")
    tell(f"{num_classes} classes, {shares.dtype}", "analysis.masks.blend", peers, ROUNDS)


def ours(shares: Shares) -> Work:
    boxes = crop_grid(WIDTH, HEIGHT, CROP, OVERLAP)
    pieces = divide({crop_id("a", box): box for box in boxes}, WIDTH, HEIGHT)
    crops = {p.id: shares[:, p.crop.top : p.crop.top + CROP, p.crop.left : p.crop.left + CROP].copy() for p in pieces}
    result(f"\n{len(pieces)} crops")

    def bands() -> Iterator[Mask]:
        for top, bottom in pairwise(row_lines(pieces, HEIGHT)):
            crossing = [p for p in pieces if p.crop.top <= top and bottom <= p.crop.top + CROP]
            yield blend_labels(crossing, top, bottom, WIDTH, lambda piece: crops[piece.id])

    return lambda: list(bands())  # stitch writes them to disk one by one


def plain(shares: Shares) -> Work:
    crops = [
        (box, shares[:, box.top : box.top + CROP, box.left : box.left + CROP].copy())
        for box in crop_grid(WIDTH, HEIGHT, CROP, OVERLAP)
    ]

    def work() -> npt.NDArray[np.int64]:
        total, weights = np.zeros_like(shares), np.zeros((HEIGHT, WIDTH), np.float32)
        for box, crop in crops:
            place = slice(box.top, box.top + CROP), slice(box.left, box.left + CROP)
            total[:, *place] += crop * window(CROP, CROP)
            weights[place] += window(CROP, CROP)
        return (total / weights).argmax(axis=0)

    return work


def theirs(shares: Shares, num_classes: int) -> dict[str, Work]:
    """tiler with a merger for each image, as its README does it; and with one that is used again."""
    tiler = Tiler(
        data_shape=shares.shape,
        tile_shape=(num_classes, CROP, CROP),
        overlap=(0, OVERLAP, OVERLAP),
        channel_dimension=0,
    )
    tiles = [tile.copy() for _, tile in tiler(shares)]
    result(f"{len(tiles)} of tiler's tiles")
    again = Merger(tiler, window="hann")

    def merge(merger: Merger) -> npt.NDArray[np.int64]:
        for number, tile in enumerate(tiles):
            merger.add(number, tile)
        return merger.merge(argmax=True)

    def merge_again() -> npt.NDArray[np.int64]:
        again.reset()
        return merge(again)

    return {"tiler": lambda: merge(Merger(tiler, window="hann")), "tiler, merger used again": merge_again}


if __name__ == "__main__":
    main()

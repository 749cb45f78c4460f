"""Crops put together give back exactly what was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.masks.pieces import Piece, assemble, boxes_at, divide, left_over, owned_pixels, spread
from formats.classes import IGNORE
from formats.crops import Box, crop_grid, crop_id
from formats.masks import resize_mask
from tests.support.dataset_samples import cut_crop

grids = st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(width=st.integers(1, 32), height=st.integers(1, 32), grid=grids, seed=st.integers(0, 9))
def test_assemble_reverses_cutting(width: int, height: int, grid: tuple[int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).integers(0, 5, (height, width)).astype(np.uint8)
    boxes = crop_grid(width, height, *grid)
    pieces = divide({crop_id("a", box): box for box in boxes}, width, height)
    parts = [(piece, cut_crop(mask, piece.crop, IGNORE)) for piece in pieces]
    assert np.array_equal(assemble(mask.shape, parts, fill=99), mask)
    assert owned_pixels(pieces) == mask.size


def test_inner_part_of_each_crop_wins() -> None:
    pieces = divide({"a": Box(0, 0, 6, 2), "b": Box(4, 0, 6, 2)}, 10, 2)
    one, two = np.full((2, 6), 1, np.uint8), np.full((2, 6), 2, np.uint8)
    whole = assemble((2, 10), zip(pieces, (one, two), strict=True), fill=0)
    assert whole.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2]] * 2


def test_a_crop_never_reaches_into_pixels_it_does_not_have() -> None:
    pieces = divide({"a": Box(0, 0, 2, 2), "b": Box(8, 0, 2, 2)}, 10, 2)
    assert pieces == [
        Piece("a", Box(0, 0, 2, 2), Box(0, 0, 2, 2)),
        Piece("b", Box(8, 0, 2, 2), Box(8, 0, 2, 2)),
    ]
    assert owned_pixels(pieces) == 8


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_without_parts_all_is_fill(shape: tuple[int, ...]) -> None:
    whole = assemble(shape, [], fill=128)
    assert whole.shape == shape
    assert (whole == 128).all()


sides, few = st.integers(1, 60), st.integers(1, 26)


@given(width=sides, height=sides, size=st.integers(1, 24), seed=st.integers(0, 99), to=st.tuples(sides, sides))
def test_what_is_left_over_and_what_is_owned_divide_the_source(
    width: int, height: int, size: int, seed: int, to: tuple[int, int]
) -> None:
    grid = {str(n): box for n, box in enumerate(crop_grid(width, height, size, size // 3))}
    pieces = divide(grid, width, height)
    there = np.random.default_rng(seed).random(len(pieces)) < 0.6
    pieces = [piece for piece, kept in zip(pieces, there, strict=True) if kept]
    boxes = left_over([piece.owned for piece in pieces], width, height)
    assert all(box.width and box.height for box in boxes_at(boxes, (width, height), to))
    times = np.zeros((height, width), int)
    for box in [*boxes, *(piece.owned for piece in pieces)]:
        times[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert (times == 1).all()
    marked = np.zeros((height, width), np.uint8)
    for box in boxes:
        marked[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    resized = np.zeros(to[::-1], np.uint8)
    for box in boxes_at(boxes, (width, height), to):
        resized[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    assert np.array_equal(resized, resize_mask(marked, *to))


@settings(max_examples=40)
@given(width=few, height=few, size=st.integers(1, 24), seed=st.integers(0, 99))
def test_what_a_crop_covers_and_none_owns_is_taken_from_one_of_them(
    width: int, height: int, size: int, seed: int
) -> None:
    grid = {str(n): box for n, box in enumerate(crop_grid(width, height, size, size // 3))}
    made = divide(grid, width, height)
    there = np.random.default_rng(seed).random(len(made)) < 0.6
    pieces = [piece for piece, kept in zip(made, there, strict=True) if kept]
    covered, times = (np.zeros((height, width), int) for _ in range(2))
    for piece in pieces:
        box = piece.crop
        covered[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    wider = spread(pieces, width, height)
    for piece in wider:
        box = piece.owned
        assert box.left >= piece.crop.left
        assert box.top >= piece.crop.top
        assert box.left + box.width <= piece.crop.left + piece.crop.width
        assert box.top + box.height <= piece.crop.top + piece.crop.height
        times[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert np.array_equal(times, covered)
    assert wider[: len(pieces)] == pieces
    if there.all():
        assert wider == pieces

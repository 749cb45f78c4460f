"""The connected components of masks, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from formats.masks import Mask
from formats.objects.labelled import label
from formats.objects.runs import row_runs

EIGHT = np.ones((3, 3), int)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 30), st.floats(0.05, 0.95), st.integers(0, 999))


def spots(height: int, width: int, density: float, seed: int) -> Mask:
    return (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8)


@given(shape=shapes)
def test_components_equal_scipys(shape: tuple[int, int, float, int]) -> None:
    mask, other = spots(*shape), spots(*shape[:3], shape[3] + 1)
    labels, number = ndimage.label(mask, EIGHT)
    ours = label(mask)
    assert len(ours) == number
    theirs = sorted(
        (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start, pixels, shared)
        for (rows, columns), pixels, shared in zip(
            ndimage.find_objects(labels),
            ndimage.sum_labels(mask, labels, range(1, number + 1)),
            ndimage.sum_labels(other, labels, range(1, number + 1)),
            strict=True,
        )
    )
    mine = np.hstack([ours.boxes, ours.pixels[:, None], ours.count_in(other)[:, None]])
    assert sorted(map(tuple, mine.tolist())) == theirs


@given(shape=shapes, neighbours=st.sampled_from([4, 8]))
def test_components_are_numbered_in_reading_order(shape: tuple[int, int, float, int], neighbours: int) -> None:
    mask = spots(*shape)
    theirs, number = ndimage.label(mask, EIGHT if neighbours == 8 else None)
    ours = label(mask, neighbours)
    assert len(ours) == number
    assert np.array_equal(ours.labels, theirs), "scipy numbers in reading order too"


@pytest.mark.parametrize("turns", [1, 7, 20])
def test_an_object_that_winds_is_one(turns: int) -> None:
    """Each row of a spiral is many runs, which only meet far away."""
    side = 4 * turns + 3
    mask = np.zeros((side, side), np.uint8)
    for turn in range(turns):
        low, high = 2 * turn, side - 1 - 2 * turn
        mask[low, max(low - 2, 0) : high + 1] = mask[low : high + 1, high] = mask[high, low : high + 1] = 1
        mask[low + 2 : high + 1, low] = 1
    _, number = ndimage.label(mask, EIGHT)
    assert len(label(mask)) == number == 1
    assert label(mask).pixels.tolist() == [int(mask.sum())]


def test_runs_end_with_their_row() -> None:
    runs = row_runs(np.array([[0, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8))
    assert (runs.rows.tolist(), runs.columns.tolist()) == ([0, 1, 1, 2], [1, 0, 2, 0])
    assert runs.lengths.tolist() == [2, 1, 1, 3]


def test_places_are_the_pixels_of_a_mask() -> None:
    mask = spots(9, 11, 0.4, 1)
    rows, columns = label(mask).runs.places()
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == list(map(tuple, np.argwhere(mask).tolist()))


def test_more_components_than_16_bits_hold() -> None:
    mask = np.zeros((600, 600), np.uint8)
    mask[::2, ::2] = 1
    assert len(label(mask)) == 90_000
    assert label(mask).pixels.tolist() == [1] * 90_000

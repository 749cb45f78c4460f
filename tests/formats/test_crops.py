"""The crop grid: coverage, ownership and names."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.crops import Box, crop_grid, crop_id, owned_boxes, parse_crop_id
from formats.errors import SagesegError

sides = st.integers(1, 60)


@st.composite
def grids(draw: st.DrawFn) -> tuple[int, int, int, int]:
    size = draw(st.integers(1, 40))
    return draw(sides), draw(sides), size, draw(st.integers(0, size - 1))


def test_4k_frame_needs_40_crops_and_the_last_ones_shift_inward() -> None:
    crops = crop_grid(3840, 2160, 512)
    assert len(crops) == 8 * 5
    assert crops[-1] == Box(3840 - 512, 2160 - 512, 512, 512)


def test_crop_none_is_the_whole_image() -> None:
    assert crop_grid(1918, 1280, None) == [Box(0, 0, 1918, 1280)]


def test_image_smaller_than_the_crop_gets_one_crop_that_reaches_over_its_edge() -> None:
    assert crop_grid(300, 200, 512) == [Box(0, 0, 512, 512)]


@given(grids())
def test_owned_boxes_divide_the_image_and_lie_inside_their_crops(grid: tuple[int, int, int, int]) -> None:
    width, height, size, overlap = grid
    owners = np.zeros((height, width), int)
    for crop, own in owned_boxes(crop_grid(width, height, size, overlap), width, height).items():
        owners[own.top : own.top + own.height, own.left : own.left + own.width] += 1
        assert crop.left <= own.left
        assert own.left + own.width <= crop.left + crop.width
        assert crop.top <= own.top
        assert own.top + own.height <= crop.top + crop.height
    assert (owners == 1).all()


@given(grids())
def test_crops_are_full_size_distinct_and_start_inside_the_image(grid: tuple[int, int, int, int]) -> None:
    width, height, size, overlap = grid
    crops = crop_grid(width, height, size, overlap)
    assert len(set(crops)) == len(crops)
    for crop in crops:
        assert (crop.width, crop.height) == (size, size)
        assert 0 <= crop.left <= max(0, width - size)
        assert 0 <= crop.top <= max(0, height - size)


@given(grids())
def test_neighbouring_crops_share_at_least_the_overlap(grid: tuple[int, int, int, int]) -> None:
    width, height, size, overlap = grid
    lefts = sorted({crop.left for crop in crop_grid(width, height, size, overlap)})
    assert all(left + size - following >= overlap for left, following in pairwise(lefts))


@given(st.text(min_size=1), st.integers(0, 10**6), st.integers(0, 10**6))
def test_crop_names_round_trip(stem: str, left: int, top: int) -> None:
    assert parse_crop_id(crop_id(stem, Box(left, top, 512, 512))) == (stem, left, top)


@pytest.mark.parametrize("name", ["0cdf5b5d0ce1_01", "a_x1", "a_x-1_y2", "_x1_y2z"])
def test_names_of_no_crop_are_refused(name: str) -> None:
    with pytest.raises(SagesegError, match="not the name of a crop"):
        parse_crop_id(name)


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (512, 512), (512, -1)])
def test_impossible_grids_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(SagesegError, match="overlap must be 0 or more and less than the crop"):
        crop_grid(1000, 1000, size, overlap)

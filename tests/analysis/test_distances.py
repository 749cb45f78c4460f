"""Distances to a mask: of few pixels near it, as of all at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scoring import distances
from analysis.scoring.distances import distances_to
from formats.masks import Mask
from formats.objects.runs import row_runs

HEIGHT, WIDTH = 70, 90


def whole(mask: Mask, asked: Mask) -> list[float]:
    transformed = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) if mask.any() else np.full(mask.shape, np.inf)
    return [float(value) for value in transformed[asked > 0]]


@pytest.fixture(scope="module", autouse=True)
def _in_boxes() -> object:
    """Small masks by boxes too, of which many fit."""
    patched = pytest.MonkeyPatch()
    for name, value in (("_SMALL", 0), ("_FEW", 1), ("_MARGIN", 6), ("_ROWS", 8)):
        patched.setattr(distances, name, value)
    yield
    patched.undo()


@given(seed=st.integers(0, 10**6), shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9)), specks=st.integers(0, 6))
def test_they_are_those_of_the_whole_mask(seed: int, shift: tuple[int, int], specks: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (cv2.GaussianBlur(rng.random((HEIGHT, WIDTH)), (0, 0), 6) > 0.5).astype(np.uint8)
    asked: Mask = np.where(mask == 0, np.roll(mask, shift, (0, 1)), 0).astype(np.uint8)
    asked[rng.integers(0, HEIGHT, specks), rng.integers(0, WIDTH, specks)] = 1  # on the mask too, where they are 0
    assert distances_to(mask, row_runs(asked)).tolist() == whole(mask, asked)


@pytest.mark.parametrize("at", [(0, 0), (0, WIDTH - 1), (HEIGHT - 1, 0), (35, 45)])
@pytest.mark.parametrize("full", [False, True])
def test_far_ones_and_those_of_an_empty_mask(at: tuple[int, int], full: bool) -> None:
    mask, asked = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:25, 20:25] = full
    asked[at] = asked[26, 26] = 1
    assert distances_to(mask, row_runs(asked)).tolist() == whole(mask, asked)

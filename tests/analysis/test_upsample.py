"""Predictions brought to another size, against OpenCV's resize of whole images and against plain numbers."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from analysis.masks.bands import Band, whole
from analysis.masks.upsample import resize_bands
from formats.masks import Mask, resize_mask

sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))


def shares(size: tuple[int, int], num_classes: int, seed: int) -> npt.NDArray[np.float16]:
    width, height = size
    values = np.random.default_rng(seed).random((num_classes, height, width))
    return np.asarray(values / values.sum(axis=0), np.float16)


def bands_of(labels: Mask, rows: int, probabilities: npt.NDArray[np.float16] | None = None) -> Iterator[Band]:
    for top in range(0, len(labels), rows):
        part = None if probabilities is None else probabilities[:, top : top + rows]
        yield Band(top, labels[top : top + rows], part)


def resized_at_once(values: npt.NDArray[np.floating], to: tuple[int, int]) -> npt.NDArray[np.float32]:
    planes = [cv2.resize(plane.astype(np.float32), to, interpolation=cv2.INTER_LINEAR) for plane in values]
    return np.stack(planes).reshape(len(values), to[1], to[0])


@given(size=sizes, to=sizes, rows=st.integers(1, 40), num_classes=st.sampled_from([2, 3, 5]))
def test_bands_are_the_whole_image_interpolated(
    size: tuple[int, int], to: tuple[int, int], rows: int, num_classes: int
) -> None:
    values = shares(size, num_classes, 1)
    bands = list(resize_bands(bands_of(values.argmax(axis=0).astype(np.uint8), rows, values), size, to))
    assert sum(band.labels.shape[0] for band in bands) == to[1]
    found = np.concatenate([band.probabilities for band in bands if band.probabilities is not None], axis=1)
    np.testing.assert_allclose(found.astype(np.float32), resized_at_once(values, to), atol=1e-3)
    # what is decided is what is written, so that a stitched folder with probabilities says the same
    assert np.array_equal(whole(iter(bands), *to), found.argmax(axis=0))


@given(size=sizes, to=sizes, rows=st.integers(1, 40), seed=st.integers(0, 5))
def test_labels_alone_are_interpolated_as_shares_of_one(
    size: tuple[int, int], to: tuple[int, int], rows: int, seed: int
) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, size[::-1]).astype(np.uint8)
    found = whole(resize_bands(bands_of(labels, rows), size, to), *to)
    expected = resized_at_once((labels[None] == np.arange(4)[:, None, None]).astype(np.float32), to)
    first, second = np.sort(expected, axis=0)[[-1, -2]]
    clear = first - second > 1e-4
    assert np.array_equal(found[clear], expected.argmax(axis=0)[clear])


@given(size=sizes, rows=st.integers(1, 40))
def test_the_same_size_changes_nothing(size: tuple[int, int], rows: int) -> None:
    values = shares(size, 3, 2)
    labels = np.full(size[::-1], 2, np.uint8)  # not what the probabilities say: nothing is decided anew
    assert np.array_equal(whole(resize_bands(bands_of(labels, rows, values), size, size), *size), labels)


def test_four_pixels_of_two_classes_to_eight() -> None:
    """At a quarter and at three quarters of the way the nearer one has the larger share."""
    labels = np.array([[0, 1, 1, 0]], np.uint8)
    found = whole(resize_bands(bands_of(labels, 1), (4, 1), (8, 1)), 8, 1)
    assert found.tolist() == [[0, 0, 1, 1, 1, 1, 0, 0]]


def test_a_disc_comes_back_round_and_not_in_stairs() -> None:
    rows, columns = np.mgrid[:640, :900]
    disc = ((rows - 300) ** 2 + (columns - 430) ** 2 < 220**2).astype(np.uint8)
    small, size = resize_mask(disc, 128, 128), (900, 640)
    share = cv2.resize(disc.astype(np.float32), (128, 128), interpolation=cv2.INTER_AREA)
    probabilities = np.stack([1 - share, share]).astype(np.float16)
    by_probabilities = whole(resize_bands(bands_of(small, 16, probabilities), (128, 128), size), *size)
    by_labels = whole(resize_bands(bands_of(small, 16), (128, 128), size), *size)
    wrong, wrong_by_labels, stairs = (
        int((mask != disc).sum()) for mask in (by_probabilities, by_labels, resize_mask(small, *size))
    )
    assert wrong < 0.2 * stairs
    assert wrong_by_labels < 0.9 * stairs

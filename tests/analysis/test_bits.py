"""Neighbourhoods of masks in words against OpenCV's, over the ends of words, rows and masks."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.masks.bits import Bits, contour, count, dilated, eroded, pack
from formats.masks import Mask


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    width = draw(st.sampled_from([1, 2, 63, 64, 65, 130, 192]))
    height = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return (rng.random((height, width)) < draw(st.sampled_from([0.02, 0.5, 0.98, 1]))).astype(np.uint8)


def unpacked(bits: Bits, width: int) -> Mask:
    return np.unpackbits(bits.astype("<u8").view(np.uint8), axis=1, count=width, bitorder="little")


@given(masks())
def test_bits_are_the_masks_pixels(mask: Mask) -> None:
    assert np.array_equal(unpacked(pack(mask), mask.shape[1]), mask)
    assert count(pack(mask)) == mask.sum()


@given(masks(), st.integers(1, 70))
def test_eroded_is_opencvs_with_zeros_beyond_the_mask(mask: Mask, radius: int) -> None:
    around = cv2.copyMakeBorder(mask, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    expected = np.asarray(cv2.erode(around, square))[radius : radius + mask.shape[0], radius : radius + mask.shape[1]]
    found = eroded(pack(mask), radius)
    assert np.array_equal(unpacked(found, mask.shape[1]), expected)
    assert count(found) == expected.sum(), "nothing lies beyond the width"


@given(masks(), st.integers(0, 70))
def test_dilated_reaches_what_is_within_the_radius(mask: Mask, radius: int) -> None:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    expected = np.asarray(cv2.dilate(mask, disk)) if mask.any() else mask
    assert np.array_equal(unpacked(dilated(pack(mask), radius), mask.shape[1]), expected)


@given(masks())
def test_a_contour_has_a_neighbour_inside_that_is_not(mask: Mask) -> None:
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    expected = mask & ~np.asarray(cv2.erode(mask, cross), np.uint8)
    found = contour(pack(mask), mask.shape[1])
    assert np.array_equal(unpacked(found, mask.shape[1]), expected)
    assert count(found) == expected.sum(), "nothing lies beyond the width"

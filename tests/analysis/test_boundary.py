"""Boundary IoU and boundary F against plain definitions, and by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from analysis.options import ScoringOptions
from analysis.scoring.boundary import BoundaryCounts, Column, count_boundaries, dilation_pixels
from analysis.scoring.class_windows import class_windows
from analysis.scoring.counts import count
from analysis.scoring.scores import BOUNDARY_METRICS, class_scores
from formats.errors import SagesegError
from formats.masks import Mask


def boundaries(truth: Mask, prediction: Mask, num_classes: int, options: ScoringOptions) -> BoundaryCounts:
    windows = class_windows(truth, prediction, num_classes)
    return count_boundaries(windows, truth.shape, num_classes, options)


def scores(truth: Mask, prediction: Mask, options: ScoringOptions, class_id: int = 1) -> tuple[float, float]:
    counts = boundaries(truth, prediction, 3, options)
    iou, f = (metric.of(counts)[class_id] for metric in BOUNDARY_METRICS)
    return float(iou), float(f)


def published_boundary(mask: Mask, dilation: int) -> Mask:
    """The steps of boundary-iou-api's mask_to_boundary, written out: pad by one, erode, take away."""
    padded = np.pad(mask, 1)
    for _ in range(dilation):
        padded = np.asarray(cv2.erode(padded, np.ones((3, 3), np.uint8)), np.uint8)
    return mask - padded[1:-1, 1:-1]


def plain_boundary_iou(truth: Mask, prediction: Mask, dilation: int) -> float:
    one, two = published_boundary(truth, dilation), published_boundary(prediction, dilation)
    either = (one | two).sum()
    return float((one & two).sum() / either) if either else np.nan


def plain_contour(mask: Mask) -> Mask:
    contour = np.zeros_like(mask)
    height, width = mask.shape
    for y, x in np.argwhere(mask).tolist():
        beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        contour[y, x] = any(0 <= r < height and 0 <= c < width and not mask[r, c] for r, c in beside)
    return contour


def plain_boundary_f(truth: Mask, prediction: Mask, tolerance: int) -> float:
    one, two = plain_contour(truth), plain_contour(prediction)
    if not one.any() or not two.any():
        return 0.0 if one.any() or two.any() else np.nan
    recall = (distance_transform_edt(1 - two)[one > 0] <= tolerance).mean()
    precision = (distance_transform_edt(1 - one)[two > 0] <= tolerance).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


blobs = st.tuples(st.integers(1, 22), st.integers(1, 22), st.integers(0, 1000))


def blob_masks(height: int, width: int, seed: int) -> tuple[Mask, Mask]:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.random((2, height, width)).transpose(1, 2, 0), (5, 5), 0).reshape(height, width, 2)
    one, two = (noise > np.median(noise)).astype(np.uint8).transpose(2, 0, 1)
    return np.ascontiguousarray(one), np.ascontiguousarray(two)


@given(shape=blobs, dilation=st.integers(1, 4))
def test_boundary_iou_equals_the_published_steps(shape: tuple[int, int, int], dilation: int) -> None:
    truth, prediction = blob_masks(*shape)
    iou, _ = scores(truth, prediction, ScoringOptions(boundary_pixels=dilation))
    assert iou == pytest.approx(plain_boundary_iou(truth, prediction, dilation), nan_ok=True)


@given(shape=blobs, tolerance=st.integers(0, 4))
def test_boundary_f_equals_its_definition(shape: tuple[int, int, int], tolerance: int) -> None:
    truth, prediction = blob_masks(*shape)
    _, f = scores(truth, prediction, ScoringOptions(tolerance=tolerance))
    assert f == pytest.approx(plain_boundary_f(truth, prediction, tolerance), nan_ok=True)


def square(left: int, size: int = 20) -> Mask:
    mask = np.zeros((60, 80), np.uint8)
    mask[20 : 20 + size, left : left + size] = 1
    return mask


def test_a_shifted_square_by_hand() -> None:
    counts = boundaries(square(20), square(22), 2, ScoringOptions(boundary_pixels=1, tolerance=1))[1]
    # rings of 76 pixels share 18 pixels of their top and of their bottom row
    assert counts[Column.BAND_BOTH] == 36
    assert counts[Column.BAND_EITHER] == 76 + 76 - 36
    assert counts[Column.TRUE] == counts[Column.PREDICTED] == 76
    # near are, besides, the neighbours of the other's corners: one along the row, one across it
    assert counts[Column.TRUE_NEAR] == counts[Column.PREDICTED_NEAR] == 2 * (18 + 1 + 1)


def test_a_perfect_prediction_scores_one_and_a_far_one_nothing() -> None:
    options = ScoringOptions()
    assert scores(square(20), square(20), options) == (1.0, 1.0)
    assert scores(square(5, 10), square(60, 10), options) == (0.0, 0.0)
    empty = np.zeros_like(square(20))
    assert scores(square(20), empty, options) == (0.0, 0.0)
    assert np.isnan(scores(empty, empty, options)).all()


def test_the_edge_of_the_image_is_in_the_band_but_no_contour() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[:, :4] = 1
    counts = boundaries(mask, mask, 2, ScoringOptions(boundary_pixels=1))[1]
    assert counts[Column.BAND_BOTH] == 10 + 10 + 2 + 2
    assert counts[Column.TRUE] == 10


def test_ignored_pixels_count_for_neither_side() -> None:
    truth = square(20)
    truth[:, 36:] = 255
    prediction = square(20, 20)
    prediction[20:40, 40:60] = 1
    assert scores(truth, prediction, ScoringOptions()) == (1.0, 1.0)


def test_classes_are_scored_apart_and_the_background_not() -> None:
    truth = np.where(square(10) == 1, 2, square(45)).astype(np.uint8)
    prediction = np.where(square(10) == 1, 2, square(47)).astype(np.uint8)
    counts = boundaries(truth, prediction, 3, ScoringOptions())
    assert not counts[0].any()
    per_class = class_scores(count(truth, prediction, 3), counts)
    assert np.isnan(per_class["boundary_iou"][0])
    assert per_class["boundary_iou"][2] == 1
    assert per_class["boundary_iou"][1] < 1


def test_counts_add_up_to_pooled_scores() -> None:
    options = ScoringOptions(boundary_pixels=2)
    pooled = sum(boundaries(square(20), square(by), 2, options) for by in (20, 30))
    one, two = (boundaries(square(20), square(by), 2, options)[1] for by in (20, 30))
    either = one[Column.BAND_EITHER] + two[Column.BAND_EITHER]
    both = one[Column.BAND_BOTH] + two[Column.BAND_BOTH]
    assert BOUNDARY_METRICS[0].of(np.asarray(pooled))[1] == pytest.approx(both / either)


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        (ScoringOptions(), 46),  # 2 % of 2305.9
        (ScoringOptions(boundary_share=0.0001), 1),
        (ScoringOptions(boundary_pixels=7), 7),
    ],
)
def test_the_band_is_a_share_of_the_diagonal_or_pixels(options: ScoringOptions, pixels: int) -> None:
    assert dilation_pixels(options, 1918, 1280) == pixels


@pytest.mark.parametrize(
    "wrong", [{"tolerance": -1}, {"boundary_pixels": 0}, {"boundary_share": 0.0}, {"halo": -1}, {"draws": -1}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SagesegError, match="expected"):
        ScoringOptions(**wrong)  # type: ignore[arg-type]

"""The confusion matrix against a plain count, and values that do not belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.masks.reading import check_prediction, check_truth
from analysis.scoring import counts
from analysis.scoring.counts import count
from formats.errors import SagesegError
from formats.masks import Mask


def plain_count(truth: Mask, prediction: Mask, num_classes: int) -> list[list[int]]:
    matrix = [[0] * num_classes for _ in range(num_classes)]
    for true, predicted in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if true != 255:
            matrix[true][predicted] += 1
    return matrix


def patches(rng: np.random.Generator, num_classes: int, side: int) -> Mask:
    """Squares of one class each, `side` pixels wide; 1 is noise."""
    small = rng.integers(0, num_classes, (6, 5)).astype(np.uint8)
    return np.kron(small, np.ones((side, side), np.uint8))


@given(
    num_classes=st.sampled_from([2, 3, 21, 254]),
    side=st.sampled_from([1, 3, 40]),
    ignored=st.booleans(),
    seed=st.integers(0, 99),
)
def test_count_equals_a_plain_count(num_classes: int, side: int, ignored: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, prediction = patches(rng, num_classes, side), patches(rng, num_classes, side)
    if ignored:
        truth[patches(rng, 3, side) == 0] = 255
    before = truth.copy(), prediction.copy()
    matrix = count(truth, prediction, num_classes)
    assert matrix.tolist() == plain_count(truth, prediction, num_classes)
    assert matrix.dtype == np.int64
    assert np.array_equal(truth, before[0])
    assert np.array_equal(prediction, before[1])


@pytest.mark.parametrize("num_classes", [2, 5])
def test_count_equals_scikit_learn(num_classes: int) -> None:
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(num_classes)
    truth, prediction = rng.integers(0, num_classes, (2, 40, 50)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = 255
    valid = truth != 255
    oracle = confusion_matrix(truth[valid], prediction[valid], labels=range(num_classes))
    assert np.array_equal(count(truth, prediction, num_classes), oracle)


def test_rows_are_truth_and_columns_prediction() -> None:
    truth = np.array([[0, 0, 1, 1, 1, 255]], np.uint8)
    prediction = np.array([[0, 1, 0, 1, 1, 1]], np.uint8)
    assert count(truth, prediction, 2).tolist() == [[1, 1], [1, 2]]


def test_a_view_counts_as_its_pixels_do() -> None:
    truth = (np.arange(60, dtype=np.uint8).reshape(6, 10) % 3)[::-1, ::2]
    prediction = np.roll(truth, 1, axis=1)
    assert count(truth, prediction, 3).tolist() == plain_count(truth, prediction, 3)


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("side", [1, 9])
def test_counts_beyond_one_block(monkeypatch: pytest.MonkeyPatch, num_classes: int, side: int) -> None:
    monkeypatch.setattr(counts, "_BLOCK", 7)
    rng = np.random.default_rng(0)
    truth, prediction = patches(rng, num_classes, side), patches(rng, num_classes, side)
    assert count(truth, prediction, num_classes).tolist() == plain_count(truth, prediction, num_classes)


def test_a_block_is_what_float32_counts_exactly() -> None:
    assert counts._BLOCK <= 2**24
    assert np.float32(counts._BLOCK) + np.float32(-1) == counts._BLOCK - 1


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("foreign", [7, 128, 254])
@pytest.mark.parametrize("noise", [False, True])
def test_foreign_values_are_refused(num_classes: int, foreign: int, noise: bool) -> None:
    good = np.zeros((8, 8), np.uint8)
    if noise:
        good[:, ::2] = 1
    bad = good.copy()
    bad[3, 3] = foreign
    with pytest.raises(ValueError, match=f"prediction holds {foreign}"):
        count(good, bad, num_classes)
    with pytest.raises(ValueError, match="truth holds values"):
        count(bad, good, num_classes)
    with pytest.raises(ValueError, match="differ in shape"):
        count(good, good[:1], num_classes)


def test_checks_name_file_and_value() -> None:
    ignore = np.full((2, 2), 255, np.uint8)
    check_truth(ignore, 2, Path("t.png"))
    with pytest.raises(SagesegError, match=r"t\.png: value 4 is no class; expected 0 to 1"):
        check_truth(np.full((2, 2), 4, np.uint8), 2, Path("t.png"))
    with pytest.raises(SagesegError, match=r"p\.png: predicted value 4 is no class; expected 0 to 1"):
        check_prediction(np.full((2, 2), 4, np.uint8), 2, Path("p.png"))
    with pytest.raises(SagesegError, match=r"p\.png: predicted value 255 .* ignore is never predicted"):
        check_prediction(ignore, 254, Path("p.png"))

"""The confusion matrix against a plain count, and values that do not belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import counts
from analysis.counts import check_prediction, check_truth, count
from formats.errors import SagesegError
from formats.masks import Mask


def plain_count(truth: Mask, prediction: Mask, num_classes: int) -> list[list[int]]:
    matrix = [[0] * num_classes for _ in range(num_classes)]
    for true, predicted in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if true != 255:
            matrix[true][predicted] += 1
    return matrix


@given(num_classes=st.sampled_from([2, 3, 21, 254]), ignored=st.booleans(), seed=st.integers(0, 99))
def test_count_equals_a_plain_count(num_classes: int, ignored: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, (9, 11)).astype(np.uint8)
    if ignored:
        truth[rng.random(truth.shape) < 0.3] = 255
    prediction = rng.integers(0, num_classes, (9, 11)).astype(np.uint8)
    before = truth.copy(), prediction.copy()
    matrix = count(truth, prediction, num_classes)
    assert matrix.tolist() == plain_count(truth, prediction, num_classes)
    assert matrix.dtype == np.int64
    assert np.array_equal(truth, before[0])
    assert np.array_equal(prediction, before[1])


def test_rows_are_truth_and_columns_prediction() -> None:
    truth = np.array([[0, 0, 1, 1, 1, 255]], np.uint8)
    prediction = np.array([[0, 1, 0, 1, 1, 1]], np.uint8)
    assert count(truth, prediction, 2).tolist() == [[1, 1], [1, 2]]


def test_counts_beyond_what_one_histogram_holds_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_EXACT", 7)
    truth = np.arange(30, dtype=np.uint8).reshape(5, 6) % 3
    assert count(truth, truth[::-1], 3).tolist() == plain_count(truth, truth[::-1], 3)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_foreign_values_are_refused(num_classes: int) -> None:
    good, bad = np.zeros((2, 2), np.uint8), np.full((2, 2), 7, np.uint8)
    with pytest.raises(ValueError, match="prediction holds 7"):
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

"""Rows of numbers that come one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.arrays import GrowingRows


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-9, 9)), min_size=1, max_size=120))
def test_rows_are_the_sums_of_what_was_added_to_them(added: list[tuple[int, int]]) -> None:
    rows, expected = GrowingRows[np.int64](), list[int]()
    for row, value in added:
        number = min(row, len(expected))  # a new row is the next
        expected[number:] = [(expected[number] if number < len(expected) else 0) + value, *expected[number + 1 :]]
        rows.add(number, np.array([value, -value]))
    assert rows.rows.tolist() == [[each, -each] for each in expected]


def test_without_a_row_nobody_knows_their_shape() -> None:
    with pytest.raises(ValueError, match="no row was added"):
        _ = GrowingRows[np.int64]().rows

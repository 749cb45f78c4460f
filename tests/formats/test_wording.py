"""Numbers, shares and times as a person reads them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from formats.texts.wording import (
    format_difference,
    format_number,
    format_roughly,
    format_score,
    format_seconds,
    format_share,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.9877"), (1.0, "1.0000"), (0.99999, ">0.9999"), (0.00001, "<0.0001"), (0.0, "0.0000"), (np.nan, "–")],
)
def test_scores_never_round_to_perfect(value: float, text: str) -> None:
    assert format_score(value) == text


@pytest.mark.parametrize(
    ("format_it", "value", "text"),
    [
        (format_difference, -0.0123, "−0.0123"),
        (format_difference, 0.5, "+0.5000"),
        (format_difference, None, "–"),
        (format_number, 12345, "12,345"),
        (format_number, 3.5625, "3.562"),
        (format_number, 12345.6, "12,346"),
        (format_number, None, "–"),
        (format_share, 0.23, "23.0 %"),
        (format_share, 0.0004, "0.040 %"),
        (format_share, 0.000001, "<0.001 %"),
        (format_share, 0.0, "0.0 %"),
        (format_share, 1.0, "100.0 %"),
        (format_share, None, "–"),
    ],
)
def test_numbers_read_well(format_it: Callable[[float | None], str], value: float | None, text: str) -> None:
    assert format_it(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min")])
def test_seconds_are_readable(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 00 min"), (5400, "1 h 30 min")],
)
def test_times_that_are_not_over_are_short(seconds: float, text: str) -> None:
    assert format_roughly(seconds) == text

"""How far work is, as a line of a log that others read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.console import format_progress, parse_progress, track

COUNTS = st.integers(0, 10**9)


@given(label=st.sampled_from(["images", "checksums", "work on masks"]), done=COUNTS, total=COUNTS)
def test_what_is_written_is_read(label: str, done: int, total: int) -> None:
    assert parse_progress(format_progress(label, done, total)) == (label, done, total)


def test_what_off_a_terminal_is_said_of_work_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(range(25), 25, "images")) == list(range(25))
    told = [parse_progress(line) for line in capsys.readouterr().err.splitlines()]
    assert (len(told), told[-1]) == (10, ("images", 25, 25))


@pytest.mark.parametrize("line", ["", "images: 3 of x", "images 3 of 4", ": 1 of 2", "a: b: 1 of 2", "images: 1 of 2."])
def test_any_other_line_is_none(line: str) -> None:
    assert parse_progress(line) is None

"""Tables as CSV: what is written is read, and what Excel writes where a comma is in numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.texts.csv_text import format_csv, parse_csv

cells = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"))
tables = st.lists(st.lists(cells, min_size=1, max_size=3).filter(any), max_size=4)


@given(tables)
def test_what_is_written_is_read(rows: list[list[str]]) -> None:
    assert [cells for _, cells in parse_csv(format_csv([["a", "b"], *rows]))] == [["a", "b"], *rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id;side\ncar;0,5\n", [(1, ["id", "side"]), (2, ["car", "0,5"])]),
        ("id,side\n\ncar;x,5\n,\n", [(1, ["id", "side"]), (3, ["car;x", "5"])]),
        ('id;side\r\n"a\r\nb";1\r\n', [(1, ["id", "side"]), (3, ["a\r\nb", "1"])]),
        ("", []),
    ],
)
def test_rows_with_the_number_of_their_line(text: str, rows: list[tuple[int, list[str]]]) -> None:
    assert list(parse_csv(text)) == rows

"""Tables as CSV: what is written is read, and what Excel writes where a comma is in numbers."""

import csv
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.texts.csv_text import format_csv, read_csv

cells = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"))
tables = st.lists(st.lists(cells, min_size=1, max_size=3).filter(any), max_size=4)


@given(tables)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_text(format_csv([["a", "b"], *rows]), encoding="utf-8", newline="")
    assert [cells for _, cells in read_csv(path, "a table")] == [["a", "b"], *rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id;side\ncar;0,5\n", [(1, ["id", "side"]), (2, ["car", "0,5"])]),
        ("id,side\n\ncar;x,5\n,\n", [(1, ["id", "side"]), (3, ["car;x", "5"])]),
        ('id;side\r\n"a\r\nb";1\r\n', [(1, ["id", "side"]), (3, ["a\r\nb", "1"])]),
        ("", []),
    ],
)
def test_rows_with_the_number_of_their_line(tmp_path: Path, text: str, rows: list[tuple[int, list[str]]]) -> None:
    (tmp_path / "a.csv").write_text(text, newline="")
    assert list(read_csv(tmp_path / "a.csv", "a table")) == rows


@pytest.mark.parametrize(
    "text", ["z" * 200_000, 'id,side\n"' + "z" * 200_000, "id,side\n" + "1,2\n" * 9 + "9" * 200_000]
)
def test_a_cell_of_any_length_is_no_bug(tmp_path: Path, text: str, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(csv.field_size_limit, csv.field_size_limit(2**17)))  # as at the start of a process
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(SagesegError, match=r"a\.csv: line \d+: not CSV .*; expected a table"):
        list(read_csv(tmp_path / "a.csv", "a table"))

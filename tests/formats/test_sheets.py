"""Names in tables that people open in a spreadsheet are no formulas there."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.texts.csv_text import format_csv, format_sheet, unmarked

cells = st.text(st.sampled_from("'=+-@\t1a."), max_size=5)


@given(cells)
def test_no_cell_begins_as_a_formula_and_each_can_be_read_again(cell: str) -> None:
    written = next(csv.reader(io.StringIO(format_sheet([["x", cell]]), newline="")))[1]
    is_number = written.lstrip("+-").replace(".", "", 1).isdecimal()
    assert is_number or not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unmarked(written) == cell


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-front", "'-front"),
        ("'=1", "''=1"),
        ("-0.5", "-0.5"),
        ("+1e-5", "+1e-5"),
        (-0.5, "-0.5"),
        ("a=1", "a=1"),
        ("'a", "'a"),
    ],
)
def test_names_are_marked_and_numbers_are_not(cell: object, written: str) -> None:
    assert format_sheet([[cell]]) == f"{written}\n"


def test_tables_for_programs_have_each_cell_as_it_is() -> None:
    assert format_csv([["=1+1", "-front"]]) == "=1+1,-front\n"

"""manifest.csv of very many crops: lines as csv sees them, and no copies of the whole text."""

from __future__ import annotations

import csv
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.manifest import ManifestRow, _lines, read_manifest, write_manifest

ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"])
CELLS = st.text(st.sampled_from('a, \n\r\x0b\x0c\x1c\u2028\x85é"'), max_size=6)


def row(name: str, **attributes: str) -> ManifestRow:
    return ManifestRow(name, "val", "g", "s.jpg", 0, 0, 16, 16, 16, 16, attributes=attributes)


@given(st.lists(CELLS, min_size=1, max_size=4), ENDS, st.booleans())
def test_lines_are_those_that_csv_sees_in_the_file(cells: list[str], end: str, closed: bool) -> None:
    """Whatever ends them; what is a line's end to str.splitlines and not to csv, and ends in quotes, are content."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end).writerows([["id", "split"], *([cell, "val"] for cell in cells)])
    text = buffer.getvalue() if closed else buffer.getvalue().removesuffix(end)
    expected = [found for found in csv.reader(io.StringIO(text, newline="")) if found]
    assert list(_lines(text, Path("manifest.csv"))) == expected


@pytest.mark.parametrize("value", ["two\nlines", "two\r\nlines", "a,b", 'a"b', "\u2028", "\x0b", "é"])
def test_an_attribute_comes_back_as_it_was(tmp_path: Path, value: str) -> None:
    rows = [row("a", told=value), row("b", told="plain")]
    write_manifest(tmp_path / "manifest.csv", rows)
    assert read_manifest(tmp_path / "manifest.csv") == rows


def test_a_damaged_line_is_still_named_by_its_number(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", [row("a"), row("b")])
    with (tmp_path / "manifest.csv").open("a") as file:
        file.write("c,val,g,s.jpg,zero,0,16,16,16,16,1,,,,\n")
    with pytest.raises(SagesegError, match=r"manifest\.csv: line 4"):
        read_manifest(tmp_path / "manifest.csv")


def test_reading_takes_little_more_than_the_rows_that_it_leaves(tmp_path: Path) -> None:
    """With a copy of the text in a StringIO, of four bytes a character, it takes 1,750 bytes for each row."""
    count = 2000
    rows = [replace(row(f"car{n:06}"), source=f"car{n:06}.jpg", image_sha256="0" * 64) for n in range(count)]
    write_manifest(tmp_path / "manifest.csv", rows)
    read_manifest(tmp_path / "manifest.csv")
    tracemalloc.start()
    read = read_manifest(tmp_path / "manifest.csv")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(read) == count
    assert peak - kept < 600 * count

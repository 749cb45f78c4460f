"""What manifest.csv may hold: each value is checked where it enters."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.limits import MOST_PIXELS
from formats.manifest import ManifestRow, format_manifest, read_manifest
from formats.prepared.groups import group_of, parse_group_by

ROW = ManifestRow("a", "val", "cars", "a.jpg", 0, 0, 8, 6, 8, 6, foreground=0.25)
COLUMNS = format_manifest([]).strip().split(",")
_WHOLE = ["-1", "1.0", "0x8", "1_0", " 8", "\u0663", "1e3", "nan", "", str(2**63), "9" * 5000]
BAD = {
    **{key: [*_WHOLE, str(MOST_PIXELS + 1)] for key in ("x", "y")},
    **{key: [*_WHOLE, "0"] for key in ("width", "height", "source_width", "source_height")},
    "kept": ["7", "-1", "True", "yes", "", "01"],
    "foreground": ["nan", "inf", "-inf", "-0.1", "1.1", "1e400", "a quarter"],
    "group": [""],
    **{key: ["told", "0" * 63, "G" * 64] for key in ("image_sha256", "mask_sha256", "truth_sha256")},
}


def write(path: Path, header: list[str], *rows: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def cells_of(row: ManifestRow) -> list[str]:
    return next(csv.reader(format_manifest([row]).splitlines()[1:]))


@pytest.mark.parametrize(("column", "cell"), [(column, cell) for column, cells in BAD.items() for cell in cells])
def test_a_value_out_of_range_is_told_with_its_line_and_column(tmp_path: Path, column: str, cell: str) -> None:
    cells = cells_of(ROW)
    cells[COLUMNS.index(column)] = cell
    path = write(tmp_path / "manifest.csv", COLUMNS, cells_of(ROW), ["b", *cells[1:]])
    with pytest.raises(SagesegError, match=rf"manifest\.csv: line 3: {column} is .*; expected ") as told:
        read_manifest(path)
    assert len(str(told.value)) < 300 + len(str(path))


@pytest.mark.parametrize("sides", [("width", "height"), ("source_width", "source_height")])
def test_an_image_larger_than_any_is_refused_before_anything_is_made_of_it(
    tmp_path: Path, sides: tuple[str, str]
) -> None:
    cells = cells_of(ROW)
    for side in sides:
        cells[COLUMNS.index(side)] = "100000"
    with pytest.raises(SagesegError, match=r"line 2: a: 100000×100000 pixels; expected 1 to 178,956,970"):
        read_manifest(write(tmp_path / "manifest.csv", COLUMNS, cells))


@pytest.mark.parametrize(
    ("header", "cells", "message"),
    [
        ([*COLUMNS, "angle", "angle"], [*cells_of(ROW), "1", "2"], "column angle stands twice"),
        ([*COLUMNS, "width"], [*cells_of(ROW), "9"], "column width stands twice"),
        ([*COLUMNS, ""], [*cells_of(ROW), "9"], "a column without a name"),
        (COLUMNS, [*cells_of(ROW), "9"], "line 2: 16 cells; expected 15"),
        (COLUMNS, cells_of(ROW)[:-1], "line 2: 14 cells; expected 15"),
    ],
)
def test_a_table_whose_rows_and_columns_do_not_fit_is_refused(
    tmp_path: Path, header: list[str], cells: list[str], message: str
) -> None:
    with pytest.raises(SagesegError, match=message):
        read_manifest(write(tmp_path / "manifest.csv", header, cells))


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="id a stands twice"):
        read_manifest(write(tmp_path / "manifest.csv", COLUMNS, cells_of(ROW), cells_of(ROW)))


@given(
    place=st.tuples(st.integers(0, MOST_PIXELS), st.integers(0, MOST_PIXELS)),
    size=st.tuples(st.integers(1, 13_000), st.integers(1, 13_000)),
    kept=st.booleans(),
    foreground=st.none() | st.integers(0, 10**6).map(lambda share: share / 10**6),
)
def test_every_value_in_range_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    place: tuple[int, int],
    size: tuple[int, int],
    kept: bool,
    foreground: float | None,
) -> None:
    row = ManifestRow("a", "", "g", "a.jpg", *place, *size, *size, kept, foreground)
    path = tmp_path_factory.getbasetemp() / "values.csv"
    path.write_text(format_manifest([row]), encoding="utf-8")
    assert read_manifest(path) == [row]


def test_the_most_pixels_are_what_pillow_opens() -> None:
    assert 2 * (Image.MAX_IMAGE_PIXELS or 0) == MOST_PIXELS


def test_a_group_is_not_empty() -> None:
    with pytest.raises(SagesegError, match="finds no group"):
        group_of("car", parse_group_by("^([0-9]*)"))

"""Tables as the text of a CSV file, written, and read as people give them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.texts.given_files import read_text

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a text begins with which spreadsheets compute; or one that has our mark, so that each mark can be taken off."""
_MARKED = re.compile(r"'+[=+\-@\t\r]")
_AT_ONCE = 1000
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def format_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Rows, the header among them, with `\\n` line ends on every system, each cell as it is: for programs."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def format_sheet(rows: Iterable[Iterable[Any]]) -> str:
    """`format_csv` for tables that people open in a spreadsheet: a name such as `=1+1` gets an apostrophe before it,
    and is no formula there. `unmarked` takes it off."""
    return format_csv([_marked(cell) for cell in row] for row in rows)


def sheet_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """`format_sheet` for rows that need not be in memory at once: its text, some rows at a time."""
    rows = iter(rows)
    while some := list(islice(rows, _AT_ONCE)):
        yield format_sheet(some)


def _marked(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def unmarked(cell: str) -> str:
    """A cell of `format_sheet` as it was given."""
    return cell[1:] if _MARKED.match(cell) else cell


def text_lines(text: str) -> Iterator[str]:
    """A text by lines, with their ends, for csv.reader: a StringIO would hold four bytes a character."""
    return (found[0] for found in _LINE.finditer(text))


def read_csv(path: Path, expected: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file that are not blank, the header among them, each with the number of its line. Cells are divided
    by commas, or by semicolons, as Excel writes them where a comma is in numbers. Raises SagesegError that names the
    file, also while rows are taken."""
    text = read_text(path, expected)
    first = text.partition("\n")[0]
    rows = csv.reader(text_lines(text), delimiter=";" if ";" in first and "," not in first else ",")
    try:
        for cells in rows:
            if any(cells):
                yield rows.line_num, cells
    except csv.Error as e:  # a cell that is too long: a quotation mark that nothing closes
        raise SagesegError(f"{path}: line {rows.line_num}: not CSV ({e}); expected {expected}") from e

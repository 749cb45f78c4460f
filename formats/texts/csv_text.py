"""Tables as the text of a CSV file, written, and read as people give them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any


def format_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Rows, the header among them, with `\\n` line ends on every system."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def parse_csv(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, the header among them, each with the number of its line. Cells are divided by
    commas, or by semicolons, as Excel writes them where a comma is in numbers."""
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",")
    return ((rows.line_num, cells) for cells in rows if any(cells))

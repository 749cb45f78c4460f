"""Tables as the text of a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any


def format_csv(rows: Iterable[Iterable[Any]]) -> str:
    """Rows, the header among them, with `\\n` line ends on every system."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()

"""Tables that commands write, read back."""

from __future__ import annotations

import csv
from pathlib import Path


def table_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, texts by heading."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

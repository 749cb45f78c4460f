"""What a benchmark found beside what it has to reach: rows, kept as lines of JSON, drawn as one table.

    python benchmarks/goals.py FOLDER

draws the rows that the `.jsonl` files of a folder hold, in the order in which they were written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from formats.console import result


@dataclass(frozen=True)
class Row:
    """A figure in `unit`; `least` or `most` is the goal, where there is one."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def goal(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "" if self.most is None else f"≤ {self.most:g}"

    @property
    def verdict(self) -> str:
        """Empty without a goal."""
        if not self.goal:
            return ""
        low, high = self.least or 0.0, float("inf") if self.most is None else self.most
        return "reached" if low <= self.value <= high else "NOT REACHED"


def tell(title: str, rows: Sequence[Row], keep: Path | None = None) -> None:
    """Print rows under a title, and add them to the file `keep`."""
    result(f"\n{title}\n{draw(rows)}")
    if keep is not None:
        keep.parent.mkdir(parents=True, exist_ok=True)
        with keep.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"title": title, **asdict(row)}) + "\n" for row in rows)


def draw(rows: Sequence[Row]) -> str:
    width = max((len(row.what) for row in rows), default=0)
    lines = (f"  {row.what:<{width}}  {row.value:>9.4g} {row.unit:<9} {row.goal:>7}  {row.verdict}" for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def read_rows(folder: Path) -> dict[str, list[Row]]:
    """The rows of a folder by their titles; of a row that was measured again, the last."""
    found: dict[str, dict[str, Row]] = {}
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        for line in path.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            title, row = kept.pop("title"), Row(**kept)
            found.setdefault(title, {})[row.what] = row
    return {title: list(rows.values()) for title, rows in found.items()}


if __name__ == "__main__":
    for heading, kept in read_rows(Path(sys.argv[1])).items():
        tell(heading, kept)

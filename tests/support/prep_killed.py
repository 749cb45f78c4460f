"""A program that prepares a dataset and kills itself at a point, for test_prep_resume.py.

prep_killed.py LABELS OUT POINT WORKERS
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prep.dataset.image_work
import prep.dataset.journal
import prep.dataset.tables
from formats.disk.whole_folders import Stage
from prep.dataset.journal import ImageEntry, Journal
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import make_source

GROUPS = {"a": 3, "b": 3, "c": 2}


def kill_at(place: Any, name: str, call: int, before: Callable[..., object] = lambda *_: None) -> None:
    """Let the `call`-th call of `place.name` do `before` and then kill this process."""
    real, calls = getattr(place, name), list[Any]()

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == call:
            before(*given)
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)

    setattr(place, name, counted)


def half_a_file(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) // 2])


def half_a_line(journal: Journal, entry: ImageEntry) -> None:
    line = prep.dataset.journal.format_entry(entry)
    with journal.path.open("ab") as file:
        file.write(line[: len(line) // 2])


POINTS: dict[str, Callable[[], None]] = {
    "first file": lambda: kill_at(prep.dataset.image_work, "_write_file", 1),
    "half a file": lambda: kill_at(prep.dataset.image_work, "_write_file", 30, half_a_file),
    "between images": lambda: kill_at(Journal, "append", 4),
    "half a line": lambda: kill_at(Journal, "append", 5, half_a_line),
    "manifest": lambda: kill_at(prep.dataset.tables, "write_lines", 1),
    "channels": lambda: kill_at(prep.dataset.tables, "link_file", 5),
    "certificate": lambda: kill_at(prep.dataset.tables, "certify", 1),
    "all but its name": lambda: kill_at(Stage, "finish", 1),
}


def main(labels: str, out: str, point: str, workers: str) -> None:
    POINTS[point]()
    write_dataset(make_source(Path(labels), GROUPS), Path(out), PrepOptions(crop=64, workers=int(workers)))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Values of this process of which there are more than its memory should hold: written to a file and read again."""

from __future__ import annotations

import json
import os
from array import array
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from formats.disk.whole_files import write_errors


class ValueFile:
    """Values of JSON by number, in the order in which they were added; a tuple is read as a list. The file lies in
    `folder` and has no name, so that nobody else reads or writes it, and nothing is left of it, also of a process that
    is killed. Raises SagesegError when the disk is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with write_errors(folder):
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115  # closed by __exit__
        self._ends = array("Q", [0])
        self._is_settled = True

    def __enter__(self) -> ValueFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with write_errors(self._folder):
            self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, value: Any) -> None:
        content = json.dumps(value, separators=(",", ":")).encode("ascii")
        with write_errors(self._folder):
            self._file.write(content)
        self._ends.append(self._ends[-1] + len(content))
        self._is_settled = False

    def __getitem__(self, number: int, /) -> Any:
        if not self._is_settled:
            with write_errors(self._folder):
                self._file.flush()
            self._is_settled = True
        start, end = self._ends[number], self._ends[number + 1]
        return json.loads(os.pread(self._file.fileno(), end - start, start))

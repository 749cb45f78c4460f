"""Journals: files of lines that grow while work is done, and outlive a killed writer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from formats.disk.locks import open_locked
from formats.errors import cannot_write

_BLOCK = 2**16


def cut_to_whole_lines(file: FileIO) -> None:
    """Remove the end of an open journal that a killed writer, or a full disk, left without its line's end; what is
    added would become one line with it. The file is at its beginning then."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        found = (file.read(end - begin) or b"").rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    file.truncate(end)
    file.seek(0)


def add_whole(file: FileIO, path: Path, content: bytes) -> int:
    """Add lines at an open journal's end, and give the place where they begin. Raises SagesegError when the disk is
    full; then nothing is added."""
    begin = file.seek(0, os.SEEK_END)
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError as e:
        try:
            file.truncate(begin)
        finally:
            raise cannot_write(path, e) from e
    return begin


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a journal, one process at a time. Raises SagesegError as `add_whole` does."""
    try:
        file = open_locked(path, path, wait=True)
    except OSError as e:
        raise cannot_write(path, e) from e
    with file:
        cut_to_whole_lines(file)
        add_whole(file, path, "".join(lines).encode("utf-8"))

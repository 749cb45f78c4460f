"""Thumbnails of all images while a dataset's tables are made: in a file, for a hundred thousand would fill the memory,
and few of them are looked at again."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

import numpy as np

from formats.alike.alignment import SIDE
from formats.alike.signatures import CELLS, Signatures, signatures
from formats.alike.twins import Thumbnail
from formats.disk.whole_files import write_errors

_BYTES = SIDE**2
_AT_ONCE = 256


class ThumbnailFile:
    """The thumbnails of `count` images, added in their order, and their signatures. The file lies in `folder` and has
    no name, so that nothing is left of it, also of a process that is killed. Raises SagesegError when the disk is
    full."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        with write_errors(folder):
            self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # closed by __exit__
        self._hashes = np.empty((count, CELLS**2), np.int8)
        self._waiting: list[bytes] = []
        self._written = 0

    def __enter__(self) -> ThumbnailFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, thumbnail: bytes) -> None:
        self._waiting.append(thumbnail)
        if len(self._waiting) == _AT_ONCE:
            self._settle()

    def __getitem__(self, place: int, /) -> Thumbnail:
        self._settle()
        content = os.pread(self._file.fileno(), _BYTES, place * _BYTES)
        return np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)

    @property
    def hashes(self) -> Signatures:
        """The signatures of those that were added, shape (count, CELLS²)."""
        self._settle()
        return self._hashes

    def _settle(self) -> None:
        if not self._waiting:
            return
        content = memoryview(b"".join(self._waiting))
        drawn = np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
        self._hashes[self._written : self._written + len(drawn)] = signatures(drawn)
        self._written += len(drawn)
        self._waiting.clear()
        with write_errors(self._folder):
            while content:
                content = content[self._file.write(content) :]

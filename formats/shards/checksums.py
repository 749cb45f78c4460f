"""Sizes and checksums of the files that a plan's sources are read from: by them another file is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from formats.errors import cannot_use


def file_size(path: Path) -> int:
    """In bytes. Raises SagesegError where the file cannot be read, as all here do."""
    try:
        return path.stat().st_size
    except OSError as e:
        raise cannot_use(e) from e


def file_checksum(path: Path) -> str:
    """The sha256, in hexadecimal digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise cannot_use(e) from e


def joined_checksum(checksums: Sequence[str]) -> str:
    """One of a source's files: that of a single file is its own, that of several the sha256 of theirs."""
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("".join(checksums).encode()).hexdigest()


def checksums_of(sources: Iterable[Sequence[Path]]) -> list[tuple[str]]:
    """The checksum of each source's files, as the cells of a plan's column (`Draft.checksums`)."""
    from concurrent.futures import ThreadPoolExecutor

    from formats.parallel import available_cores

    with ThreadPoolExecutor(available_cores()) as pool:
        return [(joined,) for joined in pool.map(_checksum, sources)]


def _checksum(paths: Sequence[Path]) -> str:
    return joined_checksum([file_checksum(path) for path in paths])

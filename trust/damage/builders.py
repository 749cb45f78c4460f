"""Targets of parsers that take a path, and of those that take bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from trust.damage.engine import CORPORA, Builder, Target, of_file


def seed_of(name: str) -> bytes:
    return (CORPORA / name).read_bytes()


def plain(name: str, file: str, kind: str, read: Callable[[Path], object], **more: Any) -> Builder:
    return lambda folder: of_file(folder, name, file, kind, read, **more)


def of_bytes(name: str, kind: str, parse: Callable[[bytes], object], **more: Any) -> Builder:
    return lambda _: Target(name, kind, parse, **more)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What is read of a file after it was opened need not name it."""
    try:
        yield
    except SagesegError as e:
        raise SagesegError(f"{path}: {e}") from e

"""Files and folders that nobody but their owner may read: what was asked of a service, and what it answered."""

from __future__ import annotations

import os
from pathlib import Path

from formats.disk.whole_files import written_beside
from formats.errors import SagesegError

FOLDER, FILE = 0o700, 0o600
_CURE = "set SAGESEG_HOME to a folder that can be written to"


def private_folder(home: Path, *names: str) -> Path:
    """The folder of these names below a home. What of it is missing is made for its owner alone; a home that is there
    stays as open as it is. Raises SagesegError where the folder cannot be made or written to."""
    folder = home
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        for name in ("", *names):
            folder = folder / name
            folder.mkdir(FOLDER, exist_ok=True)
    except OSError as e:
        raise SagesegError(f"{folder}: cannot be made ({e.strerror}); {_CURE}") from e
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SagesegError(f"{folder}: may not be written to; {_CURE}")
    return folder


def private(path: str, flags: int) -> int:
    """An `opener` for `open`: the file is its owner's alone, also where it was there before."""
    number = os.open(path, flags, FILE)
    os.fchmod(number, FILE)
    return number


def write_private(path: Path, text: str, *, durable: bool = False) -> None:
    """`write_text` of `whole_files`, for the owner alone."""
    with (
        written_beside(path, durable=durable) as beside,
        open(beside, "w", encoding="utf-8", newline="", opener=private) as file,
    ):
        file.write(text)

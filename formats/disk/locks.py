"""Files that only one process writes at a time. A lock ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
from io import FileIO
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError

_NONE_HERE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def open_locked(path: Path, place: Path, *, wait: bool) -> FileIO:
    """A file, made with its folder where there is none, that keeps others from writing at `place` until it is closed.
    Who holds the lock is waited for, or with SagesegError refused, with what the file says of him."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+b", buffering=0)
        except FileNotFoundError:  # the folder went with him who had the lock
            if path.is_symlink():
                raise
            continue
        try:
            _lock(file, place, wait=wait)
            if _is_there(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # of him who had the lock, and has renamed or removed it since


def _lock(file: FileIO, place: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as e:
        raise SagesegError(
            f"{place}: another sageseg is writing here{_holder(file)}; wait for it, or choose another --out"
        ) from e
    except OSError as e:
        if e.errno not in _NONE_HERE:
            raise
        if not wait:
            say(f"note: {place}: its file system has no locks; let no second sageseg write there")


def sign(file: FileIO) -> None:
    """Say in a locked file which process holds it."""
    file.truncate(0)
    file.write(f"process {os.getpid()}".encode())


def _holder(file: FileIO) -> str:
    file.seek(0)
    said = file.read(100) or b""
    return f" ({said.decode()})" if said.startswith(b"process ") else ""


def _is_there(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

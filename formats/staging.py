"""Files and folders that appear under their name only when they are complete."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from formats.errors import CannotWriteError, SagesegError


def write_bytes(path: Path, content: bytes) -> None:
    """Write beside `path`, then move into place: a reader sees the old file or the whole new one."""
    with written_beside(path) as beside:
        beside.write_bytes(content)


def link_file(path: Path, to: Path) -> None:
    """Make `to` a hard link of a file, or its copy on a file system without hard links."""
    try:
        os.link(path, to)
    except OSError:
        write_bytes(to, path.read_bytes())


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text, UTF-8 with `\\n` line ends on every system."""
    write_bytes(path, text.encode("utf-8"))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """`write_text` for lines, each with its `\\n`, that need not be in memory at once."""
    with written_beside(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A file to write, which becomes `path` when the block ends well and is removed otherwise. The folder is made."""
    beside = path.with_name(path.name + ".partial")
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """What goes wrong while `path` is written, such as a full disk, as a SagesegError that names it."""
    try:
        yield
    except OSError as e:
        raise CannotWriteError(f"{path}: cannot be written ({e.strerror}); free space or choose another place") from e


def write_unfinished(path: Path, content: bytes) -> None:
    """Write straight to `path`, in a folder that is itself staged: it appears only when all of it is complete."""
    with write_errors(path):
        path.write_bytes(content)


@contextmanager
def staged_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes `out` when the block ends well and is removed otherwise.

    An `out` that holds anything is refused unless `overwrite` is set; then it is replaced, but
    only at the end, so a failed run leaves the old content as it was.
    """
    refuse_existing(out, overwrite=overwrite)
    stage = out.with_name(out.name + ".partial")
    shutil.rmtree(stage, ignore_errors=True)
    try:
        stage.mkdir(parents=True)
    except OSError as e:
        raise SagesegError(f"{stage}: cannot be made ({e.strerror}); choose another --out") from e
    try:
        yield stage
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    replace_folder(stage, out)


def lock_file(file: IO[bytes], place: Path) -> None:
    """Keep others from writing at `place`, until the file is closed or the process dies. Raises
    SagesegError, and closes the file, when another holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        file.close()
        raise SagesegError(f"{place}: another sageseg is writing here; wait for it, or choose another --out") from e


def refuse_existing(out: Path, *, overwrite: bool, reads: Iterable[Path | None] = ()) -> None:
    """Raise SagesegError when `out` is a file, or a folder that holds anything without `overwrite`, or cannot be
    made; and when it is or holds one of the places that the work `reads`, which would go with it."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not overwrite):
        raise SagesegError(f"{out}: exists already; choose another --out or add --overwrite")
    whole = out.resolve()
    for place in reads:
        if place and place.exists() and (place.resolve() == whole or whole in place.resolve().parents):
            raise SagesegError(f"{out}: holds {place}, which is to be read and would be replaced; choose another --out")
    _check_can_be_made(out)


def refuse_existing_file(out: Path, *, overwrite: bool) -> None:
    """Raise SagesegError when a file is to be written and `out` is a folder, or a file without `overwrite`, or cannot
    be made."""
    if out.is_dir():
        raise SagesegError(f"{out}: a folder; expected the name of a file to write with --out")
    if out.exists() and not overwrite:
        raise SagesegError(f"{out}: exists already; choose another --out or add --overwrite")
    _check_can_be_made(out)


def _check_can_be_made(out: Path) -> None:
    above = next(path for path in out.absolute().parents if path.exists())
    if not above.is_dir():
        raise SagesegError(f"{out}: cannot be made ({above} is a file); choose another --out")
    if not os.access(above, os.W_OK | os.X_OK):
        raise SagesegError(f"{out}: cannot be made ({above} may not be written to); choose another --out")


def replace_folder(stage: Path, out: Path) -> None:
    """Give a finished folder its name; what had the name before goes."""
    old = out.with_name(f".{out.name}.replaced")  # never a name that a user would give a backup
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.replace(old)
    stage.replace(out)
    shutil.rmtree(old, ignore_errors=True)

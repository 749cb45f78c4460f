"""Files and folders that appear under their name only when they are complete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.errors import SagesegError


def write_bytes(path: Path, content: bytes) -> None:
    """Write beside `path`, then move into place: a reader sees the old file or the whole new one."""
    beside = path.with_name(path.name + ".partial")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as e:
        beside.unlink(missing_ok=True)
        raise SagesegError(f"{path}: cannot be written ({e.strerror}); free space or choose another place") from e


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for text, UTF-8 with `\\n` line ends on every system."""
    write_bytes(path, text.encode("utf-8"))


@contextmanager
def staged_folder(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes `out` when the block ends well and is removed otherwise.

    An `out` that holds anything is refused unless `overwrite` is set; then it is replaced, but
    only at the end, so a failed run leaves the old content as it was.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not overwrite):
        raise SagesegError(f"{out}: exists already; choose another --out or add --overwrite")
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
    _replace_folder(stage, out)


def _replace_folder(stage: Path, out: Path) -> None:
    if not out.exists():
        stage.replace(out)
        return
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    out.replace(old)
    stage.replace(out)
    shutil.rmtree(old)

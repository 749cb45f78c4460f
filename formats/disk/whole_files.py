"""Files that appear under their name only when they are complete.

What is in the making lies beside its place, under a name that ends in MARK, locked by the process that makes it. What
is `durable` is on the disk before it has its name, so a power cut loses nothing that was paid for or takes hours:
records of jobs, artefacts, checkpoints, datasets, predictions. Reports, exports, stitched masks, previews and frames
are not durable: they are made again from those.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.disk.calls import sync_folder
from formats.disk.locks import open_locked
from formats.errors import SagesegError, cannot_use, cannot_write, is_of_another

MARK = ".sageseg-partial"
THERE = "exists already; choose another --out or add --overwrite"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_LONGEST_NAME = 255
"""Bytes, on all usual file systems."""


def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write beside `path`, then move into place: a reader sees the old file or the whole new one."""
    with written_beside(path, durable=durable) as beside:
        beside.write_bytes(content)


def link_file(path: Path, to: Path) -> None:
    """Make `to` a hard link of a file, or its copy on a file system without hard links."""
    try:
        os.link(path, to)
    except OSError:
        with written_beside(to) as beside:
            shutil.copyfile(path, beside)


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """`write_bytes` for text, UTF-8 with `\\n` line ends on every system."""
    write_bytes(path, text.encode("utf-8"), durable=durable)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """`write_text` for lines, each with its `\\n`, that need not be in memory at once."""
    with written_beside(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


@contextmanager
def written_beside(path: Path, *, durable: bool = False, wait: bool = True) -> Iterator[Path]:
    """A file to write, which becomes `path` when the block ends well and is removed otherwise. The folder is made.
    Another process that writes the same file is waited for, or refused where `wait` is not set."""
    beside = beside_of(path)
    with write_errors(path):
        with open_locked(beside, path, wait=wait):
            try:
                yield beside
                if durable:
                    with beside.open("rb") as file:
                        os.fsync(file)
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        if durable:
            sync_folder(path.parent)


@contextmanager
def staged_file(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """`written_beside` for a file that a user named: nobody else writes it meanwhile, and one that is there is refused
    unless `overwrite` is set, before the work and after it."""
    refuse_existing_file(out, overwrite=overwrite)
    with written_beside(out, wait=False) as beside:
        yield beside
        refuse_existing_file(out, overwrite=overwrite)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """What goes wrong while `path` is written, such as a full disk, as a SagesegError that names it, or what was read
    for it."""
    try:
        yield
    except OSError as e:
        raise (cannot_use(e) if is_of_another(path, e) else cannot_write(path, e)) from e


def write_unfinished(path: Path, content: bytes) -> None:
    """Write straight to `path`, in a folder that is itself staged: it appears only when all of it is complete."""
    with write_errors(path):
        path.write_bytes(content)


def refuse_existing_file(out: Path, *, overwrite: bool) -> None:
    """Raise SagesegError when a file is to be written and `out` is a folder, or a file without `overwrite`, or cannot
    be made."""
    if out.is_dir():
        raise SagesegError(f"{out}: a folder; expected the name of a file to write with --out")
    if out.exists() and not overwrite:
        raise SagesegError(f"{out}: {THERE}")
    check_can_be_made(out)


def check_can_be_made(out: Path) -> None:
    """Raise SagesegError where nothing can be made at `out`."""
    refuse_uri(out)
    above = next(path for path in out.absolute().parents if path.exists())
    if not above.is_dir():
        raise SagesegError(f"{out}: cannot be made ({above} is a file); choose another --out")
    if not os.access(above, os.W_OK | os.X_OK):
        raise SagesegError(f"{out}: cannot be made ({above} may not be written to); choose another --out")


def refuse_uri(path: Path) -> None:
    """Raise SagesegError for a URI that was taken for a path, which would be one below a folder called `s3:`."""
    scheme, *rest = path.parts or ("",)
    if rest and _SCHEME.fullmatch(scheme):
        uri = f"{scheme}//{'/' if scheme == 'file:' else ''}{'/'.join(rest)}"
        raise SagesegError(f"{uri}: a URI; expected a path on this machine; aws s3 sync copies folders to and from S3")


def beside_of(path: Path) -> Path:
    """Where a file or folder is while it is made."""
    name = os.fsencode(path.name)
    short = path.name if len(name) + len(MARK) <= _LONGEST_NAME else hashlib.sha256(name).hexdigest()[:24]
    return path.with_name(short + MARK)

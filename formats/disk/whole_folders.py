"""Folders that appear under their name only when they are complete.

A folder is made in `<out>.sageseg-partial/content`, so that what is kept beside it (the lock, journals) never moves
with it. A folder of that name without the lock's file in it is somebody else's, and left alone. Killed between any two
calls of the system, it leaves one of these:

- an empty working folder, or one whose `content` nobody can go on with: the next call removes it;
- `content` with `begun.json`, which tells of this very folder by its number on the disk: the next call may go on;
- `content` of another number: `out` is the new folder already, this is what was replaced, and is removed;
- `replaced`, and no `out`: only where the system cannot let two folders change names. The next call puts it back.

What is `durable`: `whole_files`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from formats.console import say
from formats.disk.calls import exchange, sync_folder, sync_tree
from formats.disk.locks import open_locked, sign
from formats.disk.whole_files import THERE, beside_of, check_can_be_made, write_errors, write_text
from formats.errors import SagesegError, cannot_write

_LOCK = "sageseg.lock"
_CONTENT, _BEGUN, _REPLACED = "content", "begun.json", "replaced"


@dataclass(frozen=True)
class Stage:
    """A folder in the making, locked: `content`, to be filled, gets the name `out` by `finish`. `folder` may hold
    journals beside it; it goes at the end."""

    out: Path
    folder: Path
    lock: FileIO
    overwrite: bool

    @property
    def content(self) -> Path:
        return self.folder / _CONTENT

    def begun(self) -> Any:
        """What `begin` was told of the content that is there; None where nobody can go on with it."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((self.folder / _BEGUN).read_bytes())
            if kept["content"] == self.content.stat().st_ino:
                return kept["told"]
        return None

    def begin(self, told: Any) -> None:
        """Keep what the content is of, for a call that goes on with it."""
        kept = {"content": self.content.stat().st_ino, "told": told}
        write_text(self.folder / _BEGUN, json.dumps(kept, sort_keys=True), durable=True)

    def empty(self, *, quietly: bool = False) -> None:
        """Make the content an empty folder, and remove journals; where a call might have gone on with them, say so."""
        if self.begun() is not None and not quietly:
            say(f"{self.folder}: left by other options, other input or another version of sageseg; started afresh")
        with write_errors(self.folder):
            self._empty()
            self.content.mkdir()

    def finish(self, *, durable: bool = False) -> None:
        """Give the content its name; what had it before goes."""
        with write_errors(self.out):
            if not os.fstat(self.lock.fileno()).st_nlink:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # and what was made since is not all
            if durable:
                sync_tree(self.folder)
            if not (self.overwrite and self.out.exists()):
                self.content.rename(self.out)
            elif not exchange(self.content, self.out):
                self.out.rename(self.folder / _REPLACED)
                try:
                    self.content.rename(self.out)
                except OSError:
                    self.put_back()
                    raise
            if durable:
                sync_folder(self.out.parent)
        self.remove()

    def put_back(self) -> None:
        """Where a call was killed with the old folder moved away and the new one not in its place: the old one."""
        replaced = self.folder / _REPLACED
        if os.path.lexists(replaced) and not self.out.exists():
            with write_errors(self.out):
                replaced.rename(self.out)
            say(f"note: {self.out}: put back as it was before a call that was killed in replacing it")

    def remove(self) -> None:
        """Remove all but what has its name; the lock last, for without it this would be no longer ours."""
        with suppress(OSError, SagesegError):
            self.put_back()
            self._empty()
            if {path.name for path in self.folder.iterdir()} <= {_LOCK}:
                (self.folder / _LOCK).unlink(missing_ok=True)
                self.folder.rmdir()

    def _empty(self) -> None:
        (self.folder / _BEGUN).unlink(missing_ok=True)  # first: what is half removed is not gone on with
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _LOCK:
                path.unlink()


@contextmanager
def staged_folder(out: Path, *, overwrite: bool = False, durable: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes `out` when the block ends well and is removed otherwise. An `out` that holds
    anything is refused unless `overwrite` is set; then it is replaced at the end, and a failed run leaves it."""
    with open_stage(out, overwrite=overwrite) as stage:
        stage.empty()
        try:
            yield stage.content
            stage.finish(durable=durable)
        except BaseException:
            stage.remove()
            raise


@contextmanager
def open_stage(out: Path, *, overwrite: bool) -> Iterator[Stage]:
    """The stage of a folder, for this process alone. Raises SagesegError when `out` is refused (`refuse_existing`),
    when another process writes there, and where something that is not ours has the stage's name."""
    refuse_existing(out, overwrite=overwrite)
    place = _place(out)
    with _open_folder(beside_of(place), out) as lock:
        stage = Stage(place, beside_of(place), lock, overwrite)
        try:
            stage.put_back()
            _refuse(out, overwrite=overwrite)  # another may have ended since
            yield stage
        except OSError as e:
            if Path(os.fsdecode(e.filename or "/")).is_relative_to(stage.folder):  # gone, perhaps
                raise cannot_write(out, e) from e
            raise
        finally:
            if not stage.content.exists() or not (stage.folder / _LOCK).exists():
                stage.remove()


def refuse_existing(out: Path, *, overwrite: bool, reads: Iterable[Path | None] = ()) -> None:
    """Raise SagesegError when `out` is a file, or a folder that holds anything without `overwrite`, or cannot be
    made; and when it is or holds one of the places that the work `reads`, which would go with it."""
    settle_killed(out)
    _refuse(out, overwrite=overwrite)
    whole = out.resolve()
    for place in reads:
        if place and place.exists() and (place.resolve() == whole or whole in place.resolve().parents):
            raise SagesegError(f"{out}: holds {place}, which is to be read and would be replaced; choose another --out")


def _refuse(out: Path, *, overwrite: bool) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not overwrite):
        raise SagesegError(f"{out}: {THERE}")
    check_can_be_made(out)


def _place(out: Path) -> Path:
    """Where the folder really is: a link stays one, and the disk that it leads to has the room."""
    return out.resolve() if out.is_symlink() or out.name in ("", "..") else out


def settle_killed(out: Path) -> None:
    """Put back what a process that was killed has moved away, and remove what nobody can go on with."""
    out = _place(out)
    folder = beside_of(out)
    with suppress(OSError, SagesegError):
        if not folder.is_symlink() and (folder / _LOCK).is_file():
            with open_locked(folder / _LOCK, out, wait=False) as lock:
                stage = Stage(out, folder, lock, overwrite=False)
                stage.put_back()
                if stage.begun() is None:
                    stage.remove()
        folder.rmdir()  # of which a kill left no more than the name


def _open_folder(folder: Path, out: Path) -> FileIO:
    """A working folder's lock."""
    ours = not folder.exists() or (folder.is_dir() and ((folder / _LOCK).is_file() or not any(folder.iterdir())))
    if folder.is_symlink() or not ours:
        raise SagesegError(f"{folder}: is there and is nothing of sageseg's; move it away or choose another --out")
    with write_errors(folder):
        lock = open_locked(folder / _LOCK, out, wait=False)
    with suppress(OSError):
        sign(lock)
    return lock

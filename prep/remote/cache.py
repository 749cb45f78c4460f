"""What was fetched from S3, in $SAGESEG_HOME/s3/<bucket>/<key>: each file whole or not at all, and fetched anew only
where S3 holds another. In the place of a file that is fetched later lies an empty one, or the head of it: its first
bytes, of which an image's header can be read.

A journal of each bucket keeps the ETag of every file and head that was fetched. A run that was cut off goes on where it
was.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from aws.clients import NetworkError
from aws.errors import AwsError
from aws.s3 import copy_object
from formats.console import say, show_as, track
from formats.disk.journals import add_whole, cut_to_whole_lines
from formats.disk.private_files import private_folder
from formats.disk.whole_files import MARK
from formats.errors import CannotWriteError, SagesegError, cannot_write, next_step
from formats.images import read_header
from formats.safe_names import is_name
from formats.state_home import home

THREADS = 16
_TRIES = 3
_HEAD = 2**16
"""Bytes of a head: EXIF, with its small image, takes fewer, and the size stands behind it."""
_OF_HEAD = "head:"
"""Before the ETag of a file of which the head was fetched."""
_JOURNALS = ".fetched"
"""No bucket's name begins with a point."""


class NotFetchedError(SagesegError):
    """What went wrong with one object. `is_missing` says that there is none of this `key`, which others may not be."""

    def __init__(self, key: str, reason: SagesegError) -> None:
        super().__init__(str(reason))
        self.key, self.reason = key, reason
        self.is_missing = isinstance(reason, AwsError) and reason.code in ("NoSuchKey", "404")

    def __reduce__(self) -> tuple[type[NotFetchedError], tuple[str, SagesegError]]:
        return type(self), (self.key, self.reason)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to be had, with its ETag, its size in bytes and its time in whole seconds since 1970, as a listing told
    them; without an ETag S3 is asked whether the object has changed."""

    key: str
    etag: str | None = None
    size: int = 0
    modified: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file as it was when it was fetched."""

    etag: str
    size: int
    mtime_ns: int


class Cache:
    """The files of one bucket, while no other process fetches from it."""

    def __init__(self, bucket: str, path: Path, journal: FileIO, kept: dict[str, _Kept]) -> None:
        self.bucket = bucket
        self._path = path
        self._journal, self._kept, self._lock = journal, kept, Lock()

    def path_of(self, key: str) -> Path:
        """Where an object is kept. Raises SagesegError for a key that is no path below the bucket's folder."""
        parts = key.split("/")
        if not all(map(is_name, parts)):
            raise _no_name(
                key,
                f"s3://{self.bucket}/{key!a}: its key is no name of a file below a folder (.., //, \\, a drive's a: "
                "or letters that nobody can see)",
            )
        if parts[-1].endswith(MARK):
            raise _no_name(key, f"s3://{self.bucket}/{key}: a name that ends in {MARK} is of a file half fetched")
        return cache_root() / self.bucket / PurePosixPath(key)

    def fetch(self, s3: Any, wanted: Sequence[Wanted], what: str, *, heads: bool = False) -> dict[str, NotFetchedError]:
        """Have all of the objects, or of images the `heads`, and all of one whose header is not in its head. Returns
        those that are not there, by their keys; whatever else goes wrong with one is raised, as NotFetchedError where
        it is about that object."""
        paths = {one.key: self.path_of(one.key) for one in wanted}
        missing = [one for one in wanted if not self._is_here(one, paths[one.key], heads)]
        failed: dict[str, NotFetchedError] = {}
        if missing:
            pool = ThreadPoolExecutor(THREADS)
            try:
                done = pool.map(lambda one: self._settle(s3, one, paths[one.key], heads), missing)
                results = zip(missing, track(done, len(missing), f"fetching from {what}"), strict=True)
                failed = {one.key: error for one, error in results if error}
            finally:
                pool.shutdown(cancel_futures=True)
        show_as(f"{cache_root()}{os.sep}", "s3://")
        return failed

    def stand_in(self, awaited: Iterable[Wanted]) -> None:
        """Have an empty file, of the object's time, in the place of each object that was not fetched as it is now."""
        for one in awaited:
            path = self.path_of(one.key)
            if not self._is_here(one, path, False):
                with self._keeping(one, path):
                    _stand_in(path, one.modified)
        show_as(f"{cache_root()}{os.sep}", "s3://")

    def make_folder(self, key: str) -> None:
        """The folder of this key, empty where nothing was fetched below it."""
        path = cache_root() / self.bucket / PurePosixPath(key)
        with self._keeping(Wanted(key), path):
            path.mkdir(parents=True, exist_ok=True)

    def remove_strangers(self, prefix: str, keys: Mapping[str, object], *, deep: bool) -> None:
        """Remove files of objects below a prefix that are no longer among the keys of its listing, with `deep` in the
        folders there too."""
        root = cache_root() / self.bucket
        folders = list(os.walk(root / prefix))
        for folder, _, names in reversed(folders if deep else folders[:1]):
            for name in names:
                path = Path(folder, name)
                if path.relative_to(root).as_posix() not in keys:
                    path.unlink()
            if not any(Path(folder).iterdir()):
                Path(folder).rmdir()

    def _is_here(self, wanted: Wanted, path: Path, heads: bool) -> bool:
        kept = self._kept.get(wanted.key)
        if wanted.etag is None or kept is None:
            return False
        etag = kept.etag.removeprefix(_OF_HEAD) if heads else kept.etag
        return etag == wanted.etag and _is_as_it_was(path, kept)

    def _settle(self, s3: Any, wanted: Wanted, path: Path, heads: bool) -> NotFetchedError | None:
        """Fetch one object; returned is that it is not there."""
        for last in [False] * (_TRIES - 1) + [True]:
            try:
                with self._keeping(wanted, path):
                    if not (heads and wanted.size > _HEAD and self._get(s3, wanted, path, _HEAD)):
                        self._get(s3, wanted, path)
            except NetworkError:
                if last:
                    raise
            except (CannotWriteError, NotFetchedError):
                raise
            except SagesegError as e:
                failed = NotFetchedError(wanted.key, e)
                if failed.is_missing:
                    return failed
                raise failed from e
            else:
                break
        return None

    @contextmanager
    def _keeping(self, wanted: Wanted, path: Path) -> Iterator[None]:
        """What the disk refuses while an object's file is put there, as a SagesegError that names the object."""
        try:
            yield
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as e:
            raise _no_name(
                wanted.key,
                f"s3://{self.bucket}/{wanted.key}: an object, and a folder with objects, which no disk has",
                f", or, where S3 has one of them alone by now, remove {_in_the_way(path)}",
            ) from e
        except OSError as e:
            raise CannotWriteError(
                f"s3://{self.bucket}/{wanted.key}: cannot be kept in $SAGESEG_HOME ({e.strerror}); {next_step(path, e)}"
            ) from e

    def _get(self, s3: Any, wanted: Wanted, path: Path, first: int | None = None) -> bool:
        """Fetch an object, or its first bytes; whether these were enough."""
        kept = self._kept.get(wanted.key)
        known = kept.etag if kept and wanted.etag is None and _is_as_it_was(path, kept) else None
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + MARK)
        try:
            with beside.open("wb") as file:
                fetched = copy_object(s3, self.bucket, wanted.key, file, etag=wanted.etag, known=known, first=first)
            if fetched is None:
                return True
            is_head = first is not None and fetched.size == first
            if is_head and not _has_header(beside):
                return False
            # the time at S3: what was made of the file holds although the cache was emptied
            os.utime(beside, (fetched.modified, fetched.modified))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        new = _Kept(f"{_OF_HEAD if is_head else ''}{fetched.etag}", fetched.size, path.stat().st_mtime_ns)
        with self._lock:
            self._kept[wanted.key] = new
            line = json.dumps([wanted.key, new.etag, new.size, new.mtime_ns]) + "\n"
            add_whole(self._journal, self._path, line.encode())
        return True


def _no_name(key: str, problem: str, or_else: str = "") -> NotFetchedError:
    return NotFetchedError(key, SagesegError(f"{problem}; copy the object to another key{or_else}"))


def _in_the_way(path: Path) -> str:
    """What is there of a path, as it can be typed."""
    there = next(each for each in (path, *path.parents) if each.exists())
    return f"$SAGESEG_HOME/s3/{there.relative_to(cache_root())}"


def _has_header(path: Path) -> bool:
    try:
        read_header(path)
    except SagesegError:
        return False
    return True


def cache_root() -> Path:
    return home() / "s3"


@contextmanager
def open_cache(bucket: str) -> Iterator[Cache]:
    """The cache of a bucket, for this process alone until the block ends."""
    path = cache_root() / _JOURNALS / f"{bucket}.jsonl"
    try:
        private_folder(home(), "s3", _JOURNALS)
        journal = path.open("a+b", buffering=0)
    except OSError as e:
        raise cannot_write(path, e) from e
    with journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"note: another sageseg is fetching from s3://{bucket}; waiting for it")
            fcntl.flock(journal, fcntl.LOCK_EX)
        cut_to_whole_lines(journal)
        yield Cache(bucket, path, journal, dict(_entries(path)))


def _entries(path: Path) -> Iterator[tuple[str, _Kept]]:
    """The files by key, later ones over earlier; a line that is none, as a power cut leaves them, says nothing."""
    for line in path.read_bytes().split(b"\n"):
        try:
            key, etag, size, mtime_ns = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(key, str) and isinstance(etag, str):
            yield key, _Kept(etag, size, mtime_ns)


def _stand_in(path: Path, modified: int) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        if (found.st_size, found.st_mtime) == (0, modified):
            return
        path.unlink()  # who reads what was there goes on reading that
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
    os.utime(path, (modified, modified))  # as the file will have: what was made of it holds


def _is_as_it_was(path: Path, kept: _Kept) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (kept.size, kept.mtime_ns)

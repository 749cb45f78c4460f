"""Where a request's data lies: folders by `file://` URIs, S3 by `s3://` URIs.

A folder is used where it is, by a link. Objects are read and written through boto3, from whatever
endpoint and credentials the environment configures.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.disk.whole_files import link_file, write_bytes, written_beside
from formats.errors import SagesegError
from formats.safe_names import check_inside
from jobs.contract.file_uris import file_uri_path, is_file_uri

OpenS3 = Callable[[], Any]
"""Makes the S3 client; called when the first `s3://` URI is met, so that others need no boto3."""


def open_s3() -> Any:
    """The S3 client of the project's client factory."""
    from aws.clients import make_client

    return make_client("s3", None)


def join_uri(uri: str, *names: str) -> str:
    return "/".join([uri.rstrip("/"), *names])


@dataclass(frozen=True)
class StoredObject:
    """One object under a prefix: its name below the prefix, its URI, and its path if it is a file
    of this machine."""

    name: str
    uri: str
    path: Path | None = None


class Storage:
    """Reads and writes what URIs name. Raises SagesegError with the words of what went wrong."""

    def __init__(self, make_client: OpenS3) -> None:
        self._make_client = make_client
        self._client: Any = None
        self._lock = threading.Lock()

    @property
    def _s3(self) -> Any:
        with self._lock:  # boto3's session is not safe to use from many threads, its clients are
            if self._client is None:
                self._client = self._make_client()
        return self._client

    def check_input(self, uri: str) -> None:
        """Raise SagesegError unless there is something to read."""
        if is_file_uri(uri):
            with _file_errors(uri):
                if not file_uri_path(uri).is_dir():
                    raise SagesegError(f"{uri}: no folder there")
        else:
            with _s3_place(uri) as (bucket, prefix):
                if not self._s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
                    raise SagesegError(f"{uri}: no objects under that S3 prefix")

    def check_objects(self, uri: str) -> None:
        """Raise SagesegError unless there is something to read, be it one file."""
        if is_file_uri(uri):
            with _file_errors(uri):
                if file_uri_path(uri).is_file():
                    return
        self.check_input(uri)

    def check_output(self, uri: str) -> None:
        """Raise SagesegError unless something can be written there."""
        if is_file_uri(uri):
            folder = file_uri_path(uri)
            with _file_errors(uri):
                nearest = next(place for place in (folder, *folder.parents) if place.exists())
            if not nearest.is_dir() or not os.access(nearest, os.W_OK):
                raise SagesegError(f"{uri}: {nearest} is no folder that can be written to")
        else:
            with _s3_place(uri) as (bucket, _):
                self._s3.head_bucket(Bucket=bucket)

    def bring(self, uri: str, place: Path) -> None:
        """Make what a URI names appear as the folder `place`: linked, or downloaded from S3."""
        if is_file_uri(uri):
            place.symlink_to(file_uri_path(uri), target_is_directory=True)
            return
        place.mkdir()
        with _s3_place(uri) as (bucket, prefix):
            for key in self._keys(bucket, prefix):
                target = place / key_place(key, prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._s3.download_file(bucket, key, str(target))

    def fetch(self, found: StoredObject, target: Path) -> None:
        """Make an object appear as the file `target`: a hard link, or a copy where a disk ends; downloaded from S3."""
        make_folder(target.parent)
        if found.path is not None:
            with _file_errors(found.uri):
                link_file(found.path.resolve(), target)
            return
        with _s3_place(found.uri) as (bucket, key):
            self._s3.download_file(bucket, key, str(target))

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (found["Key"] for found in page.get("Contents", ()) if not found["Key"].endswith("/"))

    def upload(self, file: Path, uri: str) -> None:
        with _s3_place(uri) as (bucket, key):
            self._s3.upload_file(str(file), bucket, key)

    def store(self, file: Path, uri: str, name: str, *, move: bool = False) -> None:
        """Copy a file to a name below a URI, whole or not at all. `move` lets what stays on this disk be moved
        instead."""
        if not is_file_uri(uri):
            self.upload(file, join_uri(uri, name))
            return
        target = file_uri_path(uri) / name
        make_folder(target.parent)
        if move and _moved(file, target):
            return
        with written_beside(target) as beside:
            shutil.copyfile(file, beside)

    def keep(self, folder: Path, uri: str) -> None:
        """Copy a folder's files to where a URI says; a folder that `bring` linked is there already."""
        if is_file_uri(uri):
            return
        for file in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
            self.upload(file, join_uri(uri, file.relative_to(folder).as_posix()))

    def check_object(self, uri: str) -> None:
        """Raise SagesegError unless there is a file, or an object of that key."""
        if is_file_uri(uri):
            with _file_errors(uri):
                if not file_uri_path(uri).is_file():
                    raise SagesegError(f"{uri}: no file there")
        else:
            with _s3_place(uri) as (bucket, key):
                self._s3.head_object(Bucket=bucket, Key=key)

    @contextmanager
    def local_file(self, uri: str, scratch: Path) -> Iterator[Path]:
        """The file that a URI names: itself, or a download into `scratch` that goes with the block."""
        if is_file_uri(uri):
            yield file_uri_path(uri)
            return
        with _s3_place(uri) as (bucket, key):
            self._s3.download_file(bucket, key, str(scratch))
        try:
            yield scratch
        finally:
            scratch.unlink(missing_ok=True)

    def list_objects(self, uri: str) -> list[StoredObject]:
        """All objects under a prefix, in the order of their names."""
        if is_file_uri(uri):
            with _file_errors(uri):
                return sorted(_files_under(file_uri_path(uri)), key=lambda found: found.name)
        with _s3_place(uri) as (bucket, prefix):
            return [StoredObject(key_place(key, prefix), f"s3://{bucket}/{key}") for key in self._keys(bucket, prefix)]

    def read(self, found: StoredObject, limit: int) -> bytes:
        """An object's content, or its first `limit` + 1 bytes where it is longer."""
        if found.path is not None:
            with _file_errors(found.uri), found.path.open("rb") as file:
                return file.read(limit + 1)
        with _s3_place(found.uri) as (bucket, key):
            content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read(limit + 1)
        return content

    def write(self, content: bytes, uri: str, name: str) -> None:
        """Store `content` under `name` below a URI, whole or not at all."""
        if is_file_uri(uri):
            place = file_uri_path(uri) / name
            make_folder(place.parent)
            write_bytes(place, content)
        else:
            with _s3_place(uri) as (bucket, folder):
                key = join_uri(folder, name) if folder.strip("/") else name
                self._s3.put_object(Bucket=bucket, Key=key, Body=content)


def _moved(file: Path, to: Path) -> bool:
    """Whether a file could be moved, which it can on one disk only."""
    try:
        file.replace(to)
    except OSError:
        return False
    return True


def make_folder(folder: Path) -> None:
    """Raises SagesegError when a folder cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise SagesegError(f"{folder}: cannot be made ({e.strerror})") from e


def _files_under(place: Path) -> Iterator[StoredObject]:
    """The files of a folder, or the one file. Raises SagesegError for a link out of the folder."""
    if place.is_file():
        yield StoredObject(place.name, place.as_uri(), place)
        return
    inside = place.resolve()
    for path in place.rglob("*"):
        if path.is_file():
            if not path.resolve().is_relative_to(inside):
                raise SagesegError(f"{path}: a link that leaves its folder; put the file itself there")
            yield StoredObject(path.relative_to(place).as_posix(), path.as_uri(), path)


def key_place(key: str, prefix: str) -> str:
    """Where an object lies in its channel's folder.

    A prefix is a beginning of keys and no folder: `…/train` also matches `…/train_annotation/0.png`,
    which then appears as `train_annotation/0.png` (both real logs of the built-in show this).
    Raises SagesegError for a key that would leave the folder.
    """
    folder = prefix if prefix.endswith("/") or not prefix else prefix + "/"
    place = key.removeprefix(folder) if key.startswith(folder) else key[prefix.rfind("/") + 1 :]
    return check_inside(place, key, "what the key says below its channel's folder")


@contextmanager
def _file_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as e:  # a name that is too long, a folder that may not be read
        raise SagesegError(f"{uri}: {e.strerror}") from e


@contextmanager
def _s3_place(uri: str) -> Iterator[tuple[str, str]]:
    """The bucket and key of an `s3://` URI, in which nothing is escaped; what S3 refuses in the block is
    told of the URI."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    if not uri.startswith("s3://"):
        raise SagesegError(f"{uri}: expected s3:// or file:///")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        yield bucket, key
    except (BotoCoreError, ClientError, Boto3Error, OSError) as e:
        raise SagesegError(f"{uri}: {e}") from e

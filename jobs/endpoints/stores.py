"""Files that a container is sent and what it answers: objects under a prefix of their own in S3, or a folder here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aws.clients import make_client
from aws.errors import AwsError, is_missing
from aws.s3 import S3Prefix, parse_s3_uri
from formats.disk.private_files import private_folder
from formats.disk.whole_files import write_errors
from formats.errors import SagesegError
from formats.state_home import home
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.tracking.trained_model import TrainedModel

ASYNC = "async"
"""The folder beside a job's artefact that holds what its asynchronous endpoints are sent and answer."""


class Store(Protocol):
    """Files by name under one place."""

    def put(self, name: str, content: bytes) -> None: ...

    def get(self, name: str) -> bytes:
        """Raises SagesegError when there is no such file."""

    def find(self, name: str) -> bytes | None:
        """None when there is no such file."""

    def delete(self, name: str) -> None:
        """One that is gone already is no error."""

    def remove(self) -> None:
        """Everything under the place goes."""


@dataclass(frozen=True)
class FolderStore:
    """A folder of this machine, for the emulator."""

    root: Path

    def put(self, name: str, content: bytes) -> None:
        path = self.root / name
        with write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def get(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except OSError as e:
            raise SagesegError(f"{self.root / name}: was not written ({e.strerror}); run it again") from e

    def find(self, name: str) -> bytes | None:
        return self.get(name) if (self.root / name).is_file() else None

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass(frozen=True)
class S3Store:
    """A prefix in S3, and the client that speaks to it."""

    place: S3Prefix
    s3: Any
    kms_key: str | None

    def put(self, name: str, content: bytes) -> None:
        self.place.put(self.s3, name, content, kms_key=self.kms_key, content_type="image/jpeg")

    def get(self, name: str) -> bytes:
        return self.place.get(self.s3, name)

    def find(self, name: str) -> bytes | None:
        try:
            return self.get(name)
        except AwsError as e:
            if is_missing(e):
                return None
            raise

    def delete(self, name: str) -> None:
        self.place.delete(self.s3, [self.place.prefix + name])

    def remove(self) -> None:
        self.place.delete(self.s3, [found["Key"] for found in self.place.objects(self.s3)])


def open_store(uri: str, region: str, kms_key: str | None = None) -> Store:
    """The files under a URI; what is put in S3 is encrypted with the key, where one is given."""
    if is_file_uri(uri):
        return FolderStore(file_uri_path(uri))
    return S3Store(parse_s3_uri(uri), make_client("s3", region), kms_key)


def beside_artefact(trained: TrainedModel, kind: str, name: str) -> str:
    """The URI of a place of its own for what is sent to a model and answered: beside the job's artefact, which its role
    may read and write; at the emulator under $SAGESEG_HOME."""
    if trained.backend == "local":
        return (private_folder(home(), kind) / name).as_uri()
    base = parse_s3_uri(trained.artefact_uri)
    folder = base.prefix.strip("/").rsplit("/", 2)[0] if trained.is_job else ""
    prefix = f"{folder or base.prefix.rstrip('/').rpartition('/')[0]}/{kind}/{name}".lstrip("/")
    return S3Prefix(base.bucket, prefix).uri()

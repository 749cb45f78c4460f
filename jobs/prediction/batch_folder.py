"""Where a batch transform's images and answers lie: a prefix of their own in S3, or a folder here."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from aws.clients import make_client
from aws.s3 import S3Prefix, parse_s3_uri
from formats.console import say
from formats.disk.private_files import private_folder
from formats.disk.whole_files import write_errors
from formats.errors import SagesegError
from formats.state_home import home
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.invocation import Payload, make_payload
from jobs.prediction.stages import in_order
from jobs.tracking.trained_model import TrainedModel

THREADS = 16
"""Files that are sent or fetched at a time: they are waited for more than worked on."""
_SENT_BYTES = 2**28


class Store(Protocol):
    """Files by name under one place."""

    def put(self, name: str, content: bytes) -> None: ...

    def get(self, name: str) -> bytes:
        """Raises SagesegError when there is no such file."""

    def remove(self) -> None:
        """Everything under the place goes."""


@dataclass(frozen=True)
class Sent:
    """What was sent: (width, height) by id, and a digest of the bytes by id."""

    sizes: dict[str, tuple[int, int]]
    digests: dict[str, str]


class _Nowhere:
    """Keeps nothing."""

    def put(self, name: str, content: bytes) -> None:
        pass

    def get(self, name: str) -> bytes:
        raise SagesegError(f"{name}: was sent nowhere")

    def remove(self) -> None:
        pass


@dataclass(frozen=True)
class BatchFolder:
    """The images go under `input/<id>.jpg`, the answers come as `output/<id>.jpg.out`, or under another name."""

    uri: str
    store: Store
    answers: str = "output/"

    @property
    def input_uri(self) -> str:
        return f"{self.uri}/input"

    @property
    def output_uri(self) -> str:
        return f"{self.uri}/output"

    def send(self, crops: Iterable[tuple[str, bytes]], limit: int) -> Sent:
        """Send encoded crops."""
        sizes, digests = {}, {}
        with closing(
            in_order(
                lambda crop: self._send(*crop, limit),
                crops,
                threads=THREADS,
                most=_SENT_BYTES,
                cost=lambda crop: len(crop[1]),
            )
        ) as sent:
            for name, payload in sent:
                sizes[name] = (payload.width, payload.height)
                digests[name] = hashlib.sha256(payload.body).hexdigest()[:32]
                if payload.quality is not None:
                    say(f"note: {name} was over {limit} bytes and went at JPEG quality {payload.quality}")
        return Sent(sizes, digests)

    def would_send(self, crops: Iterable[tuple[str, bytes]], limit: int) -> Sent:
        """What `send` would answer; nothing is sent."""
        return replace(self, store=_Nowhere()).send(crops, limit)

    def _send(self, name: str, jpeg: bytes, limit: int) -> tuple[str, Payload]:
        payload = make_payload(jpeg, limit, name)
        self.store.put(f"input/{name}.jpg", payload.body)
        return name, payload

    def answer(self, name: str) -> bytes:
        """The transform's answer. Raises SagesegError when there is none."""
        return self.store.get(f"{self.answers}{name}.jpg.out")

    def remove(self) -> None:
        self.store.remove()


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
            raise SagesegError(
                f"{self.root / name}: the transform did not write it ({e.strerror}); run it again"
            ) from e

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

    def remove(self) -> None:
        self.place.delete(self.s3, [found["Key"] for found in self.place.objects(self.s3)])


def open_batch_folder(trained: TrainedModel, name: str) -> BatchFolder:
    """Where the transform `name` has its files: beside the job's artefact, which its role may read and
    write; at the emulator under $SAGESEG_HOME."""
    if trained.backend == "local":
        return batch_folder_at((private_folder(home(), "batch") / name).as_uri(), trained.region)
    base = parse_s3_uri(trained.artefact_uri)
    folder = base.prefix.strip("/").rsplit("/", 2)[0] if trained.is_job else ""
    prefix = f"{folder or base.prefix.rstrip('/').rpartition('/')[0]}/batch/{name}".lstrip("/")
    return batch_folder_at(S3Prefix(base.bucket, prefix).uri(), trained.region, trained.kms_key)


def batch_folder_at(uri: str, region: str, kms_key: str | None = None) -> BatchFolder:
    """A transform's files where a record says that they lie."""
    if is_file_uri(uri):
        return BatchFolder(uri, FolderStore(file_uri_path(uri)))
    return BatchFolder(uri, S3Store(parse_s3_uri(uri), make_client("s3", region), kms_key))

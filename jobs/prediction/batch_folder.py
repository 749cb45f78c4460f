"""Where a batch transform's images and answers lie: a prefix of their own in S3, or a folder here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace

from formats.console import say
from formats.errors import SagesegError
from jobs.contract.invocation import Payload, make_payload
from jobs.endpoints.stores import Store, beside_artefact, open_store
from jobs.prediction.stages import in_order
from jobs.tracking.trained_model import TrainedModel

THREADS = 16
"""Files that are sent or fetched at a time: they are waited for more than worked on."""
_SENT_BYTES = 2**28


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

    def find(self, name: str) -> bytes | None:
        raise SagesegError(f"{name}: was sent nowhere")

    def delete(self, name: str) -> None:
        pass

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


def open_batch_folder(trained: TrainedModel, name: str) -> BatchFolder:
    """Where the transform `name` has its files: beside the job's artefact, which its role may read and
    write; at the emulator under $SAGESEG_HOME."""
    return batch_folder_at(beside_artefact(trained, "batch", name), trained.region, trained.kms_key)


def batch_folder_at(uri: str, region: str, kms_key: str | None = None) -> BatchFolder:
    """A transform's files where a record says that they lie."""
    return BatchFolder(uri, open_store(uri, region, kms_key))

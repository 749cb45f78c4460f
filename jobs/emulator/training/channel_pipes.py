"""Pipe mode: what an augmented manifest names, streamed into FIFOs in a job's tree.

For each epoch that the container reads there is a FIFO `<channel>_<epoch>`, which holds the
attributes of each line as RecordIO records, in the order of AttributeNames. An attribute whose name
ends in `-ref` is sent as the content of what it names (developer guide, Augmented Manifest File
Format for Pipe Mode Training).
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.contract.recordio import MAX_RECORD, frame
from jobs.emulator.host.storage import Storage, StoredObject
from jobs.emulator.store.state import Record

REFERENCE = "-ref"
_POLL_SECONDS = 0.05
_MAX_MANIFEST = 2**28


def is_piped(channel: Mapping[str, Any]) -> bool:
    """Whether an accepted channel comes through a FIFO: what an augmented manifest lists does."""
    return bool(channel["DataSource"]["S3DataSource"]["S3DataType"] == "AugmentedManifestFile")


@dataclass(frozen=True)
class Stream:
    """What one channel sends: the URIs of the objects of each line, line by line."""

    channel: str
    uris: Sequence[str]


def read_streams(storage: Storage, record: Record) -> list[Stream]:
    """The streams of a job's channels. Raises SagesegError for a manifest that cannot be used, naming
    its line, and for files that are not there."""
    piped = [channel for channel in record.get("InputDataConfig", []) if is_piped(channel)]
    return [_read_stream(storage, channel["ChannelName"], channel["DataSource"]["S3DataSource"]) for channel in piped]


def _read_stream(storage: Storage, channel: str, source: Record) -> Stream:
    uri = source["S3Uri"]
    text = _read(storage, uri, _MAX_MANIFEST)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    uris = [
        ref for number, line in lines for ref in _references(line, source["AttributeNames"], f"{uri}: line {number}")
    ]
    for ref in uris:
        if is_file_uri(ref):
            storage.check_object(ref)
    return Stream(channel, uris)


def _references(line: bytes, names: Sequence[str], where: str) -> Iterator[str]:
    try:
        attributes = parse_json(line)
    except ValueError as e:
        raise SagesegError(f"{where}: not JSON ({e}); expected one object a line") from e
    for name in names:
        value = attributes.get(name) if isinstance(attributes, dict) else None
        if not isinstance(value, str):
            raise SagesegError(f"{where}: no {name}; expected the URI of an object, as AttributeNames asks")
        yield value


def _read(storage: Storage, uri: str, limit: int) -> bytes:
    content = storage.read(StoredObject("", uri, file_uri_path(uri) if is_file_uri(uri) else None), limit)
    if len(content) > limit:
        raise SagesegError(f"{uri}: over {limit} bytes; use smaller files")
    return content


class Pipes:
    """The FIFOs of one attempt, in `folder`, each filled by a thread of its own.

    `on_failure` is called from such a thread when an object cannot be read; the container is to be
    ended then. `close` waits for the threads and raises what went wrong.
    """

    def __init__(self, storage: Storage, streams: Sequence[Stream], folder: Path, on_failure: Callable[[], None]):
        self._storage, self._folder, self._on_failure = storage, folder, on_failure
        self._closed = threading.Event()
        self._failure: SagesegError | None = None
        for stream in streams:
            os.mkfifo(self._path(stream, 0))  # before the container looks for it
        self._threads = [threading.Thread(target=self._fill, args=(stream,), daemon=True) for stream in streams]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the streams, once the container has ended."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _path(self, stream: Stream, epoch: int) -> Path:
        return self._folder / f"{stream.channel}_{epoch}"

    def _fill(self, stream: Stream) -> None:
        epoch = 0
        while self._failure is None and (pipe := self._await_reader(self._path(stream, epoch))) is not None:
            epoch += 1
            try:
                self._send(stream, pipe)
                os.mkfifo(self._path(stream, epoch))  # before the container sees the end of this epoch
            except SagesegError as e:
                self._failure = e
                self._on_failure()
            finally:
                os.close(pipe)

    def _await_reader(self, path: Path) -> int | None:
        """A descriptor to write to, once the container reads; None when there will be no reader."""
        while not self._closed.is_set():
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as e:
                if e.errno != errno.ENXIO:
                    raise
                self._closed.wait(_POLL_SECONDS)
            else:
                os.set_blocking(descriptor, True)
                return descriptor
        return None

    def _send(self, stream: Stream, pipe: int) -> None:
        """One epoch. A container that stops reading has read enough, or has ended."""
        with suppress(BrokenPipeError):
            for uri in stream.uris:
                left = memoryview(frame(_read(self._storage, uri, MAX_RECORD)))
                while left:
                    left = left[os.write(pipe, left) :]

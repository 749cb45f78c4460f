"""Which files have to go to S3: pure comparisons of what is here, what lies there, what is known.

S3's listing tells size and ETag of a thousand objects at a time. For an object that was put whole
and is not encrypted with a KMS key, the ETag is the MD5 of its bytes (S3 API reference, Object).
Under KMS it is not; then the ETag that S3 answered when this machine sent the file, kept in the
journal, says whether the object is still that one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from formats.channels import CHANNELS, masks_channel
from formats.dataset import Dataset
from formats.disk.whole_files import write_text


@dataclass(frozen=True)
class LocalFile:
    """A file to be found in S3 under `key`; size in bytes, time of change in ns."""

    key: str
    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Stored:
    """An object as the listing shows it."""

    size: int
    etag: str


@dataclass(frozen=True)
class Sent:
    """What the journal knows of a file that was sent, or was found there: its MD5 (hex), and the
    object's ETag."""

    key: str
    size: int
    mtime_ns: int
    md5: str
    etag: str


@dataclass(frozen=True)
class Comparison:
    """A file that has to be looked into: with `etag` it may be the object that is there."""

    file: LocalFile
    etag: str | None


def local_file(key: str, path: Path) -> LocalFile:
    status = path.stat()
    return LocalFile(key, path, status.st_size, status.st_mtime_ns)


def is_unchanged(file: LocalFile, stored: Stored | None, known: Sent | None) -> bool:
    """Whether S3 surely holds this file already, without reading it."""
    if stored is None or known is None or stored.size != file.size:
        return False
    same_file = (known.size, known.mtime_ns) == (file.size, file.mtime_ns)
    return same_file and stored.etag in (known.etag, known.md5)


def to_compare(
    files: Iterable[LocalFile], stored: Mapping[str, Stored], known: Mapping[str, Sent], *, encrypted: bool = False
) -> Iterator[Comparison]:
    """The files that are not surely there. Those to be `encrypted` with a KMS key are never taken for
    an object by its MD5: that would be one that is not encrypted."""
    for file in files:
        there = stored.get(file.key)
        if not is_unchanged(file, there, known.get(file.key)):
            yield Comparison(file, there.etag if there and there.size == file.size and not encrypted else None)


def strangers(files: Iterable[LocalFile], stored: Iterable[str]) -> list[str]:
    """Keys of objects in the channels that the dataset does not have: SageMaker would read them."""
    return sorted(set(stored) - {file.key for file in files})


def read_journal(path: Path) -> dict[str, Sent]:
    """The journal of a place. A line that is none, as a power cut leaves, says nothing: its file is looked into."""
    if not path.exists():
        return {}
    return {sent.key: sent for line in path.read_bytes().split(b"\n") for sent in _sent(line)}


def _sent(line: bytes) -> list[Sent]:
    try:
        key, size, mtime_ns, md5, etag = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return []
    return [Sent(key, size, mtime_ns, md5, etag)] if isinstance(key, str) else []


def journal_line(sent: Sent) -> str:
    return json.dumps(astuple(sent)) + "\n"


def write_journal(path: Path, known: Iterable[Sent]) -> None:
    write_text(path, "".join(map(journal_line, known)))


def channel_files(dataset: Dataset, label_map: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Each file that SageMaker reads, with the channel it belongs to."""
    for split, channel in CHANNELS.items():
        for row in dataset.kept(split):
            yield channel, dataset.image_path(row.id)
            yield masks_channel(channel), dataset.mask_path(row.id)
    if label_map:
        yield from (("label_map", path) for path in sorted(label_map.glob("*_label_map.json")))

"""The inputs of a processing job: which objects they name, which of them each host gets, and bringing them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from formats.errors import SagesegError
from formats.safe_names import check_inside
from formats.texts.json_text import parse_json
from jobs.contract.file_uris import file_uri_path, is_file_uri
from jobs.emulator.host.storage import Storage, StoredObject
from jobs.emulator.processing.program import place_in
from jobs.emulator.store.state import Record

MAX_MANIFEST = 2**28
"""Bytes of a manifest file."""


@dataclass(frozen=True)
class Input:
    """What an input names: its folder in the container, and its objects, dealt among the hosts or for each of them."""

    local_path: str
    objects: Sequence[StoredObject]
    dealt: bool

    def share(self, number: int, count: int) -> Sequence[StoredObject]:
        """What the host of this number, from 0, of so many gets."""
        return self.objects[number::count] if self.dealt else self.objects


def read_inputs(storage: Storage, inputs: Iterable[Record]) -> list[Input]:
    """Find the objects of a record's S3 inputs. Raises SagesegError for a manifest that cannot be used."""
    return [_read_input(storage, each) for each in inputs]


def _read_input(storage: Storage, source: Record) -> Input:
    """ShardedByS3Key promises each of n hosts about 1/n of the objects, and not which: they are dealt in an order that
    has nothing to do with their names, so that what belongs together by name does not meet by luck."""
    uri, dealt = source["S3Uri"], source["S3DataDistributionType"] == "ShardedByS3Key"
    listed = source["S3DataType"] == "ManifestFile"
    objects = _read_manifest(storage, uri) if listed else storage.list_objects(uri)
    return Input(source["LocalPath"], sorted(objects, key=_shuffled) if dealt else objects, dealt)


def _shuffled(found: StoredObject) -> bytes:
    return hashlib.sha256(found.uri.encode("utf-8", "surrogateescape")).digest()


def _read_manifest(storage: Storage, uri: str) -> list[StoredObject]:
    content = storage.read(StoredObject("", uri, file_uri_path(uri) if is_file_uri(uri) else None), MAX_MANIFEST)
    if len(content) > MAX_MANIFEST:
        raise SagesegError(f"{uri}: a manifest over {MAX_MANIFEST} bytes; use several")
    return parse_manifest(content, uri)


def parse_manifest(content: bytes, uri: str) -> list[StoredObject]:
    """The objects of a manifest file: a list in JSON that begins with `{"prefix": …}`; each text after it is what
    follows that in an object's URI, and where the object lies in its input's folder (API reference, S3DataSource)."""
    try:
        listed = parse_json(content)
    except ValueError as e:
        raise SagesegError(f"{uri}: not JSON ({e}); {_FORM}") from e
    prefix = listed[0].get("prefix") if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None
    if not isinstance(prefix, str) or not prefix.startswith(("s3://", "file:///")):
        raise SagesegError(f"{uri}: no prefix that is a URI in its first element; {_FORM}")
    return [_listed(prefix, suffix, f"{uri}: element {number}") for number, suffix in enumerate(listed[1:], 2)]


_FORM = 'expected a manifest, [{"prefix": "s3://bucket/folder/"}, "a.jpg", "b/c.jpg"]'


def _listed(prefix: str, suffix: Any, where: str) -> StoredObject:
    if not isinstance(suffix, str):
        raise SagesegError(f"{where} is {suffix!r}; {_FORM}")
    name = check_inside(suffix, where, "what follows the prefix")
    if not is_file_uri(prefix):
        return StoredObject(name, prefix + name)
    uri = prefix + quote(name)
    return StoredObject(name, uri, file_uri_path(uri))


def bring_inputs(
    storage: Storage, inputs: Sequence[Input], number: int, count: int, root: Path, halted: threading.Event
) -> None:
    """Make the share of the host of this number, from 0, appear in its tree, unless its job is halted meanwhile."""
    for each in inputs:
        place = place_in(root, each.local_path)
        place.mkdir(parents=True, exist_ok=True)
        for found in each.share(number, count):
            if halted.is_set():
                return
            storage.fetch(found, place / found.name)

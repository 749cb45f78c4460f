"""What a batch transform was begun with: `$SAGESEG_HOME/batches/<name>/batch.json`, until it is over and cleaned up.

A transform is stopped when nobody waits for it any more; one whose caller was killed, or lost AWS's answer, is found by
this record: the same command goes on with it, where it has the images that are still to be predicted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from formats.disk.locks import open_locked
from formats.disk.private_files import private_folder, write_private
from formats.errors import SagesegError
from formats.safe_names import check_name
from formats.state_home import home
from formats.texts.json_text import format_json
from formats.texts.redaction import redact_values
from formats.texts.typed_json import parse_as

_RECORD, _LOCK = "batch.json", "lock"
_MEND = "restore it, or remove it: sageseg jobs leftovers tells of the transform all the same"


@dataclass(frozen=True)
class BatchRecord:
    """One transform. `model` and `transform` are the requests, `images` digests
    of what was sent by id, empty before AWS was asked for the transform and once all goes; `arn` is empty before AWS
    answered."""

    name: str
    backend: str
    region: str
    created: str
    model: dict[str, Any]
    transform: dict[str, Any]
    images: dict[str, str] = field(default_factory=dict)
    arn: str = ""

    @property
    def folder_uri(self) -> str:
        """Where its images and answers lie, alone. Raises SagesegError where the record tells no such place."""
        try:
            uri = str(self.transform["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]).rstrip("/")
        except TypeError:
            uri = ""
        if not uri.endswith(f"/batch/{self.name}/input"):
            raise SagesegError(f"{_path(self.name)}: damaged (tells no folder of its own); {_MEND}")
        return uri.removesuffix("/input")

    def is_like(self, other: BatchRecord) -> bool:
        """Whether both ask for the same, but for their names."""
        return bool(_unnamed(self) == _unnamed(other))


def _unnamed(record: BatchRecord) -> Any:
    asked = {"place": [record.backend, record.region], "model": record.model, "transform": record.transform}
    return json.loads(json.dumps(redact_values(asked)).replace(record.name, ""))


def _path(name: str) -> Path:
    return home() / "batches" / name / _RECORD


def write_batch(record: BatchRecord) -> None:
    write_private(_path(record.name), format_json(asdict(record), ascii_only=True) + "\n", durable=True)


def forget_batch(name: str) -> None:
    shutil.rmtree(_path(name).parent, ignore_errors=True)


@contextmanager
def locked(name: str) -> Iterator[bool]:
    """Keep others from this batch while the block runs; whether it was to be had: else its caller lives."""
    folder = private_folder(home(), "batches", name)
    try:
        file = open_locked(folder / _LOCK, folder, wait=False)
    except SagesegError:
        yield False
        return
    with file:
        yield True


def sweep_batches() -> None:
    """Remove the folders of callers that were killed before their record was written: nothing was asked for."""
    for folder in [path for path in (home() / "batches").glob("*") if not (path / _RECORD).exists()]:
        with locked(folder.name) as free:
            if free:
                forget_batch(folder.name)


def batches() -> list[BatchRecord]:
    """All that were begun from this folder and are not cleaned up, the earliest first."""
    found = [_read(path) for path in (home() / "batches").glob(f"*/{_RECORD}")]
    return sorted(found, key=lambda record: record.created)


def read_batch(name: str) -> BatchRecord | None:
    return _read(_path(name)) if _path(name).exists() else None


def _read(path: Path) -> BatchRecord:
    record = parse_as(path.read_bytes(), BatchRecord, path, _MEND)
    check_name(record.name, path, "name")
    return record

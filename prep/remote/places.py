"""Where something lies that a reader takes: on this machine, or in S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError

_LIKE_S3 = re.compile(r"s3:/", re.IGNORECASE)
_S3 = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]*)(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class S3Place:
    """An object in S3, or the folder that its key is the name of, without a slash at its end."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def parent(self) -> S3Place:
        return S3Place(self.bucket, self.key.rpartition("/")[0])


Place = Path | S3Place


def parse_place(text: str) -> Place:
    """`s3://bucket/key`, else a path. A key stands in a URI as it is, whatever letters it has. Raises SagesegError for
    what only looks like a place in S3."""
    if not _LIKE_S3.match(text):
        return Path(text)
    found = _S3.fullmatch(text)
    if found is None:
        raise SagesegError(f"{text}: expected s3://bucket/key")
    return S3Place(found[1], (found[2] or "").rstrip("/"))

"""Places in S3, and where a dataset's files lie under one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from formats.dataset import CHANNELS, Dataset
from formats.errors import SagesegError


@dataclass(frozen=True)
class S3Prefix:
    """A place in S3; `prefix` is empty or ends in a slash, so that it never catches a neighbour's keys."""

    bucket: str
    prefix: str

    def uri(self, name: str = "") -> str:
        return f"s3://{self.bucket}/{self.prefix}{name}"


def parse_s3_uri(uri: str) -> S3Prefix:
    """`s3://bucket/prefix` in its parts."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise SagesegError(f"{uri}: expected s3://bucket/prefix")
    path = parts.path.strip("/")
    return S3Prefix(parts.netloc, f"{path}/" if path else "")


def channel_files(dataset: Dataset, label_map: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Each file that SageMaker reads, with the channel it belongs to."""
    for split, channel in CHANNELS.items():
        for row in dataset.kept(split):
            yield channel, dataset.image_path(row.id)
            yield f"{channel}_annotation", dataset.mask_path(row.id)
    if label_map:
        yield from (("label_map", path) for path in sorted(label_map.glob("*_label_map.json")))

"""A dataset's channels to S3."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from formats.console import track
from formats.dataset import CHANNELS, Dataset
from formats.errors import SagesegError
from jobs.clients import aws_errors
from jobs.training_request import CONTENT_TYPES

_THREADS = 16


@dataclass(frozen=True)
class S3Prefix:
    """A place in S3; `prefix` is empty or ends in a slash, so that it never catches a neighbour's keys."""

    bucket: str
    prefix: str


def parse_s3_uri(uri: str) -> S3Prefix:
    """`s3://bucket/prefix` in its parts."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise SagesegError(f"{uri}: expected s3://bucket/prefix")
    path = parts.path.strip("/")
    return S3Prefix(parts.netloc, f"{path}/" if path else "")


def upload_dataset(s3: Any, dataset: Dataset, uri: str) -> int:
    """Upload the four channels to `<uri>/<channel>/<file>`. Returns the number of files."""
    target = parse_s3_uri(uri)
    files = list(channel_files(dataset))

    def send(item: tuple[str, Path]) -> None:
        channel, path = item
        key = f"{target.prefix}{channel}/{path.name}"
        with path.open("rb") as body:
            s3.put_object(Bucket=target.bucket, Key=key, Body=body, ContentType=CONTENT_TYPES[channel])

    pool = ThreadPoolExecutor(_THREADS)
    try:
        with aws_errors(f"uploading to {uri}"):
            for _ in track(pool.map(send, files), len(files), "upload"):
                pass
    finally:
        pool.shutdown(cancel_futures=True)  # after a refusal the rest would only be refused too
    return len(files)


def channel_files(dataset: Dataset) -> Iterator[tuple[str, Path]]:
    """Each file that SageMaker reads, with the channel it belongs to."""
    for split, channel in CHANNELS.items():
        for row in dataset.kept(split):
            yield channel, dataset.image_path(row.id)
            yield f"{channel}_annotation", dataset.mask_path(row.id)

"""What lies at a place, in a word that is another when anything there is: names, sizes, and ETags or times.

An earlier run of a step counts where its words and inputs are alike (CacheConfig), and SageMaker compares places by
their names alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from aws.clients import make_s3_lister
from aws.s3 import S3Prefix, parse_s3_uri

_DIGITS = 32


def state_of(place: str, region: str | None) -> str:
    """The state of a file or folder here, or of an object or of all below a name in S3, which is listed."""
    return combined(_in_s3(place, region) if place.startswith("s3://") else _here(Path(place)))


def combined(told: Iterable[str]) -> str:
    """One word for several texts, in their order."""
    digest = hashlib.sha256()
    for text in told:
        digest.update(f"{len(text)} {text}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:_DIGITS]


def _in_s3(uri: str, region: str | None) -> Iterator[str]:
    """In the order of S3's listing, which is that of the keys."""
    folder, s3 = parse_s3_uri(uri), make_s3_lister(region)
    file = S3Prefix(folder.bucket, folder.prefix.rstrip("/"))
    is_folder = False
    for found in folder.objects(s3):
        is_folder = True
        yield f"{found['Key'][len(folder.prefix) :]} {found['ETag']} {found['Size']}"
    for found in () if is_folder else islice(file.objects(s3), 1):
        yield f"{found['ETag']} {found['Size']}"


def _here(path: Path) -> Iterator[str]:
    for folder, below, names in os.walk(path):
        below.sort()
        for name in sorted(names):
            yield _file(Path(folder, name), path)
    if not path.is_dir():
        yield _file(path, path)


def _file(path: Path, root: Path) -> str:
    found = path.stat()
    return f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}"

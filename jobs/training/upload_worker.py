"""Sending files to S3 from a worker process: reads each once, for its MD5 and for S3."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from aws.clients import make_client
from aws.s3 import S3Prefix
from formats.errors import SagesegError
from jobs.training.upload_plan import Comparison, LocalFile, Sent

_THREADS = 8
"""Connections of one process: enough to hide the way to S3, few enough for the interpreter's lock."""
_CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".json": "application/json"}


@dataclass(frozen=True)
class Sender:
    """Sends batches of files to a bucket. `run` tells one upload's clients from another's."""

    run: str
    bucket: str
    region: str
    kms_key: str | None

    def __call__(self, batch: Sequence[Comparison]) -> list[tuple[Sent, bool]]:
        """What S3 now holds of each file, and whether it had to be sent."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._settle, batch))

    def _settle(self, comparison: Comparison) -> tuple[Sent, bool]:
        file = comparison.file
        content = _read(file)
        md5 = hashlib.md5(content, usedforsecurity=False)
        known = Sent(file.key, len(content), file.mtime_ns, md5.hexdigest(), comparison.etag or "")
        if comparison.etag == known.md5:
            return known, False
        etag = S3Prefix(self.bucket, "").put(
            _s3(self.run, self.region),
            file.key,
            content,
            kms_key=self.kms_key,
            content_type=_CONTENT_TYPES.get(file.path.suffix, "application/octet-stream"),
            md5=md5.digest(),
        )
        return replace(known, etag=etag), True


def _read(file: LocalFile) -> bytes:
    try:
        return file.path.read_bytes()
    except OSError as e:
        raise SagesegError(f"{file.path}: cannot be read ({e.strerror}); prepare the dataset again") from e


@lru_cache(1)
def _s3(_run: str, region: str) -> Any:
    """One client for all threads of a process, made anew for each upload."""
    return make_client("s3", region)

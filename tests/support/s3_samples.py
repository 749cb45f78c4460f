"""A bucket of moto's server that holds a folder, and what was asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.aws_setup import aws_client, use_aws

BUCKET = "shoot-bucket"


def upload(s3: Any, folder: Path, prefix: str = "", bucket: str = BUCKET) -> None:
    """Put the files of a folder below a prefix."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            s3.put_object(Bucket=bucket, Key=prefix + path.relative_to(folder).as_posix(), Body=path.read_bytes())


@contextmanager
def own_bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a server on which a bucket is there for the block."""
    use_aws(monkeypatch, server)
    client = aws_client("s3", server)
    client.create_bucket(Bucket=BUCKET)
    yield client
    bucket = boto3.resource("s3").Bucket(BUCKET)
    bucket.objects.all().delete()
    bucket.delete()


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What is asked of S3 in the block: `GetObject images/a.jpg`, `ListObjectsV2 images/`."""
    found: Counter[str] = Counter()
    make = boto3.session.Session.client

    def client(session: Any, *words: Any, **how: Any) -> Any:
        made = make(session, *words, **how)

        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            found[f"{model.name} {params.get('Key', params.get('Prefix', ''))}"] += 1

        made.meta.events.register("provide-client-params.s3", note)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(boto3.session.Session, "client", client)
        yield found

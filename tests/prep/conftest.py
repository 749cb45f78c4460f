"""What the tests of places in S3 share: moto's server, and a bucket on it for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    from tests.support.aws_setup import moto_server  # which few of the tests load

    with moto_server() as url:
        yield url


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from tests.support.s3_samples import own_bucket

    with own_bucket(server, monkeypatch) as client:
        yield client

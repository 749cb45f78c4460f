"""Requests signed by botocore itself, but otherwise written by hand: what no client would send."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from jobs.emulator.keys import Keys
from tests.support.keys import KEYS


def signed(
    url: str,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    keys: Keys = KEYS,
    service: str = "sagemaker",
) -> dict[str, str]:
    """The headers with those of a signature by AWS's Signature Version 4."""
    asked = AWSRequest(method, f"{url}{path}", headers=dict(headers or {}), data=body)
    SigV4Auth(Credentials(keys.access_key, keys.secret_key), service, "eu-central-1").add_auth(asked)
    return dict(asked.headers.items())

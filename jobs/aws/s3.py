"""Places in S3, and where a dataset's files lie under one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

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


def encryption(kms_key: str | None) -> dict[str, str]:
    """What PutObject takes to encrypt with a KMS key."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}

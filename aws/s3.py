"""Places in S3: how they are named, and what is put there, fetched, listed and deleted."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from aws.clients import aws_errors
from aws.errors import AwsError
from formats.errors import SagesegError

_DELETED_AT_ONCE = 1000
"""What DeleteObjects takes in one call."""
_PIECE = 2**20
_URI = re.compile(r"s3://([^/?#]+)(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class S3Prefix:
    """A place in S3; `prefix` is empty or ends in a slash, so that it never catches a neighbour's keys.

    Every call takes a client of S3, and raises SagesegError that names the place.
    """

    bucket: str
    prefix: str

    def uri(self, name: str = "") -> str:
        return f"s3://{self.bucket}/{self.prefix}{name}"

    def put(
        self,
        s3: Any,
        name: str,
        content: bytes,
        *,
        kms_key: str | None = None,
        content_type: str | None = None,
        md5: bytes | None = None,
    ) -> str:
        """Write an object; returns its ETag. S3 refuses bytes that do not match `md5`, and encrypts with
        `kms_key` where one is given."""
        given = {
            "ContentType": content_type,
            "ContentMD5": md5 and base64.b64encode(md5).decode(),
            "ServerSideEncryption": kms_key and "aws:kms",
            "SSEKMSKeyId": kms_key,
        }
        settings = {setting: value for setting, value in given.items() if value}
        with aws_errors(f"uploading {self.uri(name)}"):
            answer = s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content, **settings)
        return str(answer["ETag"]).strip('"')

    def get(self, s3: Any, name: str) -> bytes:
        """The whole object."""
        with aws_errors(f"fetching {self.uri(name)}"):
            content: bytes = s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        return content

    def objects(self, s3: Any, *, deep: bool = True) -> Iterator[dict[str, Any]]:
        """What lies under the prefix, with `deep` in the folders there too, as ListObjectsV2 tells of it: Key, Size,
        ETag."""
        where = {"Bucket": self.bucket, "Prefix": self.prefix} | ({} if deep else {"Delimiter": "/"})
        with aws_errors(f"listing {self.uri()}"):
            for page in s3.get_paginator("list_objects_v2").paginate(**where):
                yield from page.get("Contents", ())

    def delete(self, s3: Any, keys: Sequence[str]) -> None:
        """Delete objects of the bucket by their whole keys. Raises SagesegError when any is refused, after
        all others are gone."""
        refused: list[dict[str, str]] = []
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            doomed = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
            with aws_errors(f"deleting from {self.uri()}"):
                answer = s3.delete_objects(Bucket=self.bucket, Delete={"Objects": doomed, "Quiet": True})
            refused += answer.get("Errors", ())  # the call itself succeeds
        for error in refused:
            more = f", one of {len(refused)} such objects" if len(refused) > 1 else ""
            reason = f"{error['Code']}: {error['Message']}"
            raise SagesegError(f"s3://{self.bucket}/{error['Key']}: cannot be deleted ({reason}){more}")


def parse_s3_uri(uri: str) -> S3Prefix:
    """`s3://bucket/prefix` in its parts. Keys stand in it as they are, also with `#`, `?` and `%`."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise SagesegError(f"{uri}: expected s3://bucket/prefix")
    path = (found[2] or "").strip("/")
    return S3Prefix(found[1], f"{path}/" if path else "")


def parse_s3_object(uri: str) -> tuple[S3Prefix, str]:
    """`s3://bucket/prefix/name`: where an object lies, and its name there."""
    whole = parse_s3_uri(uri)
    folder, slash, name = whole.prefix.rstrip("/").rpartition("/")
    return S3Prefix(whole.bucket, folder + slash), name


@dataclass(frozen=True)
class Fetched:
    """What an object was when it was fetched; `modified` is its time at S3, in seconds since 1970."""

    etag: str
    size: int
    modified: float


def copy_object(
    s3: Any,
    bucket: str,
    key: str,
    file: IO[bytes],
    *,
    etag: str | None = None,
    known: str | None = None,
    first: int | None = None,
) -> Fetched | None:
    """Copy an object, or its `first` bytes, to a file; None, and nothing is copied, where it still has the ETag
    `known`.

    `etag` is what it must have. Raises SagesegError where it has another, and where not all of it comes.
    """
    uri = f"s3://{bucket}/{key}"
    asked = {
        "IfMatch": etag and f'"{etag}"',
        "IfNoneMatch": known and f'"{known}"',
        "Range": first and f"bytes=0-{first - 1}",
    }
    try:
        with aws_errors(f"fetching {uri}"):
            answer = s3.get_object(Bucket=bucket, Key=key, **{name: value for name, value in asked.items() if value})
            size = 0
            for piece in answer["Body"].iter_chunks(_PIECE):
                size += file.write(piece)
    except AwsError as e:
        if e.code in ("304", "NotModified"):
            return None
        if e.code in ("412", "PreconditionFailed"):
            raise SagesegError(f"{uri}: changed while it was fetched; run the same command again") from e
        raise
    if size != answer["ContentLength"]:
        raise SagesegError(f"{uri}: {size} of {answer['ContentLength']} bytes came; run the same command again")
    return Fetched(str(answer["ETag"]).strip('"'), size, answer["LastModified"].timestamp())

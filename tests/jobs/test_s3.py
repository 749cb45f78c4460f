"""Places in S3: what is asked of a client, and that what S3 refuses within an answer is not overlooked."""

from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from botocore.response import StreamingBody

from aws.s3 import Fetched, S3Prefix, copy_object, parse_s3_object, parse_s3_uri
from formats.errors import SagesegError

PLACE = S3Prefix("bucket", "a/b/")


class Recorder:
    """A client that keeps what DeleteObjects and PutObject were given."""

    def __init__(self, errors: list[dict[str, str]] | None = None) -> None:
        self.errors, self.deleted, self.put = errors or [], list[list[str]](), dict[str, Any]()

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        assert (Bucket, Delete["Quiet"]) == ("bucket", True)
        self.deleted.append([doomed["Key"] for doomed in Delete["Objects"]])
        return {"Errors": self.errors} if self.errors else {}

    def put_object(self, **given: Any) -> dict[str, Any]:
        self.put = given
        return {"ETag": '"5d41"'}


def test_deleting_takes_a_thousand_keys_at_a_time() -> None:
    s3 = Recorder()
    PLACE.delete(s3, [f"a/b/{number}" for number in range(2001)])
    assert [len(keys) for keys in s3.deleted] == [1000, 1000, 1]
    assert s3.deleted[2] == ["a/b/2000"]


def test_an_object_that_is_refused_in_an_answer_is_told() -> None:
    s3 = Recorder([{"Key": "a/b/x", "Code": "AccessDenied", "Message": "Access Denied"}])
    with pytest.raises(SagesegError, match=r"^s3://bucket/a/b/x: cannot be deleted \(AccessDenied: Access Denied\)$"):
        PLACE.delete(s3, ["a/b/x", "a/b/y"])


def test_what_is_refused_keeps_no_other_object() -> None:
    s3 = Recorder([{"Key": "a/b/x", "Code": "AccessDenied", "Message": "Access Denied"}])
    with pytest.raises(SagesegError, match=r"\(AccessDenied: Access Denied\), one of 3 such objects$"):
        PLACE.delete(s3, [f"a/b/{number}" for number in range(2500)])
    assert [len(keys) for keys in s3.deleted] == [1000, 1000, 500]


def test_what_is_put_carries_its_checksum_its_kind_and_its_key() -> None:
    s3 = Recorder()
    assert PLACE.put(s3, "x.jpg", b"hello", kms_key="key", content_type="image/jpeg", md5=b"\x00\xff") == "5d41"
    assert s3.put == {
        "Bucket": "bucket",
        "Key": "a/b/x.jpg",
        "Body": b"hello",
        "ContentType": "image/jpeg",
        "ContentMD5": "AP8=",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key",
    }
    PLACE.put(s3, "x", b"")
    assert set(s3.put) == {"Bucket", "Key", "Body"}


@pytest.mark.parametrize(
    ("uri", "place", "name"),
    [
        ("s3://bucket/a/b/model.tar.gz", PLACE, "model.tar.gz"),
        ("s3://bucket/model.tar.gz", S3Prefix("bucket", ""), "model.tar.gz"),
    ],
)
def test_an_objects_uri_is_its_place_and_its_name(uri: str, place: S3Prefix, name: str) -> None:
    assert parse_s3_object(uri) == (place, name)
    assert place.uri(name) == uri


class Holder:
    """A client that has one object, of which not all may come."""

    def __init__(self, content: bytes, length: int) -> None:
        self.content, self.length, self.asked = content, length, dict[str, Any]()

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        body = StreamingBody(BytesIO(self.content), None)
        return {"Body": body, "ContentLength": self.length, "ETag": '"5d41"', "LastModified": datetime(2026, 3, 1)}


def test_an_object_is_copied_if_it_is_the_one_that_was_listed() -> None:
    file = BytesIO()
    s3 = Holder(b"hello", 5)
    assert copy_object(s3, "bucket", "a b#.jpg", file, etag="5d41") == Fetched(
        "5d41", 5, datetime(2026, 3, 1).timestamp()
    )
    assert (file.getvalue(), s3.asked) == (b"hello", {"Bucket": "bucket", "Key": "a b#.jpg", "IfMatch": '"5d41"'})
    copy_object(s3, "bucket", "x", file, known="5d41")
    assert s3.asked == {"Bucket": "bucket", "Key": "x", "IfNoneMatch": '"5d41"'}


def test_an_object_of_which_not_all_came_is_refused() -> None:
    with pytest.raises(SagesegError, match=r"^s3://bucket/x: 4 of 5 bytes came; run the same command again$"):
        copy_object(Holder(b"hell", 5), "bucket", "x", BytesIO())


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3:///prefix", "https://bucket/prefix"])
def test_uris_that_are_not_s3_are_refused(uri: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/prefix"):
        parse_s3_uri(uri)


def test_prefixes_end_in_a_slash_so_that_they_never_catch_a_neighbour() -> None:
    assert parse_s3_uri("s3://bucket/a/b").prefix == "a/b/"
    assert parse_s3_uri("s3://bucket/").prefix == ""

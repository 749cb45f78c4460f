"""Places in S3: what is asked of a client, and that what S3 refuses within an answer is not overlooked."""

from typing import Any

import pytest

from aws.s3 import S3Prefix, parse_s3_object
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

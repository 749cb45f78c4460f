"""Upload: what is sent, what is not sent twice, what is refused before anything is sent."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from aws.identity import check_bucket
from aws.s3 import parse_s3_uri
from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.cli import app
from jobs.training.upload import Upload, Uploaded, journal_path, upload_dataset
from jobs.training.upload_plan import (
    Comparison,
    LocalFile,
    Sent,
    Stored,
    channel_files,
    journal_line,
    local_file,
    read_journal,
    strangers,
    to_compare,
    write_journal,
)
from jobs.training.upload_worker import Sender
from tests.support.aws_setup import ACCOUNT, REGION, SECRET, TOKEN, aws_client, moto_server, use_aws
from tests.support.dataset_samples import make_dataset

URI = "s3://cars/one"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def s3_url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty S3 with a bucket `cars`."""
    use_aws(monkeypatch, server)
    s3 = aws_client("s3", server)
    for bucket in s3.list_buckets()["Buckets"]:
        for found in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
            s3.delete_object(Bucket=bucket["Name"], Key=found["Key"])
        s3.delete_bucket(Bucket=bucket["Name"])
    s3.create_bucket(Bucket="cars")
    return server


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    rng = np.random.default_rng(0)
    images = {
        f"car{number}_01": (rng.integers(0, 256, (16, 16, 3), np.uint8), np.full((16, 16), number % 2, np.uint8))
        for number in range(6)
    }
    splits = {stem: "val" if number < 2 else "train" for number, stem in enumerate(images)}
    return make_dataset(tmp_path / "dataset", images, splits=splits)


def keys_and_times(url: str, prefix: str = "one/") -> dict[str, object]:
    listed = aws_client("s3", url).list_objects_v2(Bucket="cars", Prefix=prefix)
    return {found["Key"]: found["LastModified"] for found in listed.get("Contents", [])}


def test_every_file_lies_under_its_channels_prefix(dataset: Dataset, s3_url: str) -> None:
    assert upload_dataset(dataset, Upload(URI, REGION)) == Uploaded(sent=12, unchanged=0, deleted=0)
    s3 = aws_client("s3", s3_url)
    expected = {f"one/{channel}/{path.name}": path for channel, path in channel_files(dataset)}
    assert set(keys_and_times(s3_url)) == set(expected)
    for key, path in expected.items():
        answer = s3.get_object(Bucket="cars", Key=key)
        assert answer["Body"].read() == path.read_bytes()
        assert answer["ContentType"] == ("image/png" if key.endswith(".png") else "image/jpeg")


def test_a_second_run_sends_what_changed_and_no_more(dataset: Dataset, s3_url: str) -> None:
    upload_dataset(dataset, Upload(URI, REGION))
    before = keys_and_times(s3_url)
    assert upload_dataset(dataset, Upload(URI, REGION)) == Uploaded(0, 12, 0)
    changed = dataset.image_path("car3_01")
    content = bytearray(changed.read_bytes())
    content[-3] ^= 1  # of the same size
    changed.write_bytes(content)
    assert upload_dataset(dataset, Upload(URI, REGION)) == Uploaded(1, 11, 0)
    stored = aws_client("s3", s3_url).get_object(Bucket="cars", Key="one/train/car3_01.jpg")["Body"].read()
    assert stored == bytes(content)
    assert keys_and_times(s3_url).keys() == before.keys()


def test_another_machine_recognises_by_their_checksums_what_is_there(
    dataset: Dataset, s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upload_dataset(dataset, Upload(URI, REGION))
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    assert upload_dataset(dataset, Upload(URI, REGION)) == Uploaded(0, 12, 0)
    assert len(read_journal(journal_path(parse_s3_uri(URI)))) == 12


def test_what_was_overwritten_in_s3_is_sent_again(dataset: Dataset, s3_url: str) -> None:
    upload_dataset(dataset, Upload(URI, REGION))
    path = dataset.mask_path("car2_01")
    other = b"x" * path.stat().st_size
    aws_client("s3", s3_url).put_object(Bucket="cars", Key="one/train_annotation/car2_01.png", Body=other)
    assert upload_dataset(dataset, Upload(URI, REGION)).sent == 1


def test_a_cut_upload_goes_on_where_it_was(dataset: Dataset, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.training.upload._BATCH", 4)
    gone = dataset.image_path("car1_01")  # in the third batch; the first two have arrived
    with monkeypatch.context() as patch:
        patch.setattr("jobs.training.upload_worker._read", lambda file: _read_or_cut(file, gone))
        with pytest.raises(SagesegError, match="cut"):
            upload_dataset(dataset, Upload(URI, REGION, workers=1))
    arrived = keys_and_times(s3_url)
    assert 8 <= len(arrived) < 12
    assert len(read_journal(journal_path(parse_s3_uri(URI)))) == 8
    assert upload_dataset(dataset, Upload(URI, REGION, workers=1)) == Uploaded(12 - len(arrived), len(arrived), 0)
    assert {key: time for key, time in keys_and_times(s3_url).items() if key in arrived} == arrived


def _read_or_cut(file: LocalFile, gone: Path) -> bytes:
    if file.path == gone:
        raise SagesegError("cut")
    return file.path.read_bytes()


def test_strangers_in_a_channel_are_refused_warned_of_or_deleted_as_asked(
    dataset: Dataset, s3_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = aws_client("s3", s3_url)
    for key in ("one/train/old.jpg", "one/train_annotation/old.png", "one/output/model.tar.gz", "one/train2/near.jpg"):
        s3.put_object(Bucket="cars", Key=key, Body=b"old")
    with pytest.raises(SagesegError, match=r"s3://cars/one/train/old.jpg: one of 2 objects .* --delete removes them"):
        upload_dataset(dataset, Upload(URI, REGION, strict=True))
    assert len(keys_and_times(s3_url)) == 4  # nothing was sent
    assert upload_dataset(dataset, Upload(URI, REGION)).deleted == 0
    assert "warning: s3://cars/one/train/old.jpg" in capsys.readouterr().err
    assert upload_dataset(dataset, Upload(URI, REGION, delete=True)) == Uploaded(0, 12, 2)
    left = set(keys_and_times(s3_url))
    assert {"one/output/model.tar.gz", "one/train2/near.jpg"} <= left
    assert not {"one/train/old.jpg", "one/train_annotation/old.png"} & left


def test_a_key_encrypts_and_makes_what_lies_there_without_it_be_sent_again(dataset: Dataset, s3_url: str) -> None:
    upload_dataset(dataset, Upload(URI, REGION))
    assert upload_dataset(dataset, Upload(URI, REGION, kms_key="alias/cars")).sent == 12
    head = aws_client("s3", s3_url).head_object(Bucket="cars", Key="one/train/car3_01.jpg")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert upload_dataset(dataset, Upload(URI, REGION, kms_key="alias/cars")).sent == 0


def test_each_file_travels_with_its_md5_which_s3_compares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That S3 refuses other bytes is its documentation's word: moto does not compare."""
    sent: dict[str, Any] = {}

    class S3:
        def put_object(self, **given: Any) -> dict[str, str]:
            sent.update(given)
            return {"ETag": '"etag"'}

    monkeypatch.setattr("jobs.training.upload_worker._s3", lambda *_: S3())
    path = tmp_path / "a.png"
    path.write_bytes(b"abc")
    (answer,) = Sender("run", "cars", REGION, None)([Comparison(local_file("one/a.png", path), None)])
    assert base64.b64decode(sent["ContentMD5"]) == hashlib.md5(b"abc").digest()  # noqa: S324
    assert answer == (Sent("one/a.png", 3, path.stat().st_mtime_ns, MD5, "etag"), True)


@pytest.mark.parametrize(
    ("uri", "region", "owner", "message"),
    [
        ("s3://nobody/x", REGION, None, r"bucket nobody: there is none; create it \(aws s3 mb s3://nobody\)"),
        ("s3://far/x", REGION, None, "bucket far: in region eu-west-1, but the job in us-east-1.*--region eu-west-1"),
    ],
)
def test_buckets_that_a_job_could_not_read_are_refused(
    s3_url: str, uri: str, region: str, owner: str | None, message: str
) -> None:
    aws_client("s3", s3_url, "eu-west-1").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with pytest.raises(SagesegError, match=message):
        check_bucket(uri, region, owner)


def test_a_bucket_of_another_account_is_refused(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers 403 to an ExpectedBucketOwner that is not the owner; moto does not compare them."""
    asked: dict[str, Any] = {}

    class Client:
        def head_bucket(self, **given: Any) -> None:
            asked.update(given)
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": ACCOUNT}

    monkeypatch.setattr("aws.identity.make_client", lambda *_, **_how: Client())
    with pytest.raises(SagesegError, match=f"bucket cars: not of account {ACCOUNT}, or closed .* --bucket-owner"):
        check_bucket(URI, REGION, None)
    assert asked == {"Bucket": "cars", "ExpectedBucketOwner": ACCOUNT}


def test_ones_own_bucket_is_taken(s3_url: str) -> None:
    check_bucket(URI, REGION, None)
    check_bucket(URI, REGION, ACCOUNT)
    check_bucket(URI, REGION, "any")


def test_the_verb_says_what_it_did(dataset: Dataset, s3_url: str) -> None:
    ran = CliRunner().invoke(app, ["upload", str(dataset.root), URI])
    assert ran.stdout == f"{URI}: 12 files sent, 0 unchanged\n"


def test_a_dead_network_is_one_line_without_secrets(
    dataset: Dataset, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("aws.clients._CONFIG", Config(retries={"max_attempts": 0}))
    with pytest.raises(SagesegError, match=r"listing s3://cars/one/train/: .*run the same command again") as caught:
        upload_dataset(dataset, Upload(URI, REGION))
    assert not any(secret in str(caught.value) for secret in (SECRET, TOKEN, "AKIA"))


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3:///prefix", "https://bucket/prefix"])
def test_uris_that_are_not_s3_are_refused(uri: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/prefix"):
        parse_s3_uri(uri)


FILE = LocalFile("a/b.jpg", Path("b.jpg"), 3, 5)
MD5 = hashlib.md5(b"abc").hexdigest()  # noqa: S324


@pytest.mark.parametrize(
    ("stored", "known", "compared"),
    [
        (None, None, (True, None)),  # new
        (Stored(3, MD5), None, (True, MD5)),  # perhaps there: to be read
        (Stored(4, MD5), None, (True, None)),  # another size: to be sent
        (Stored(3, MD5), Sent("a/b.jpg", 3, 5, MD5, MD5), (False, None)),
        (Stored(3, "kms"), Sent("a/b.jpg", 3, 5, MD5, "kms"), (False, None)),  # an ETag that is no MD5
        (Stored(3, "other"), Sent("a/b.jpg", 3, 5, MD5, "kms"), (True, "other")),  # overwritten there
        (Stored(3, MD5), Sent("a/b.jpg", 3, 6, MD5, MD5), (True, MD5)),  # touched here
    ],
)
def test_only_what_may_differ_is_looked_into(
    stored: Stored | None, known: Sent | None, compared: tuple[bool, str | None]
) -> None:
    found = list(to_compare([FILE], {FILE.key: stored} if stored else {}, {FILE.key: known} if known else {}))
    assert bool(found) is compared[0]
    assert [comparison.etag for comparison in found] == ([compared[1]] if compared[0] else [])


def test_under_a_key_a_matching_md5_is_no_reason_to_leave_a_file(tmp_path: Path) -> None:
    (only,) = to_compare([FILE], {FILE.key: Stored(3, MD5)}, {}, encrypted=True)
    assert only.etag is None


@given(st.sets(st.text(min_size=1)), st.sets(st.text(min_size=1)))
def test_strangers_are_what_is_there_and_not_here(here: set[str], there: set[str]) -> None:
    files = [LocalFile(key, Path(), 0, 0) for key in here]
    assert strangers(files, there) == sorted(there - here)


@given(st.lists(st.builds(Sent, st.text(min_size=1), st.integers(0), st.integers(0), st.just(MD5), st.text())))
def test_the_journal_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, known: list[Sent]) -> None:
    path = tmp_path_factory.getbasetemp() / "journal.jsonl"
    write_journal(path, known)
    assert read_journal(path) == {sent.key: sent for sent in known}


@pytest.mark.parametrize("cut", [1, 9, -3])
def test_a_line_of_the_journal_that_was_cut_off_costs_no_later_upload(
    cut: int, dataset: Dataset, s3_url: str, tmp_path: Path
) -> None:
    upload_dataset(dataset, Upload(URI, REGION))
    path = journal_path(parse_s3_uri(URI))
    *lines, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines) + last[:cut])
    assert len(read_journal(path)) == 11
    for _ in range(2):  # the first looks into one file, and adds its line
        assert upload_dataset(dataset, Upload(URI, REGION)) == Uploaded(0, 12, 0)
        assert len(read_journal(path)) == 12


@pytest.mark.parametrize(
    "line", ['["a", 1, ["b", 2, 3, "c", "d"]', "[1, 2, 3, 4, 5]", "7", "\0" * 9, "[" * 9999, '["a"]']
)
def test_a_line_of_the_journal_that_is_none_says_nothing(line: str, tmp_path: Path) -> None:
    whole = journal_line(Sent("b", 1, 2, MD5, MD5))
    (tmp_path / "journal.jsonl").write_text(f"{whole}{line}\n{whole}")
    assert list(read_journal(tmp_path / "journal.jsonl")) == ["b"]


def test_several_processes_send_what_one_would(dataset: Dataset, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.training.upload._BATCH", 3)
    assert upload_dataset(dataset, Upload(URI, REGION, workers=2)).sent == 12
    assert len(keys_and_times(s3_url)) == 12

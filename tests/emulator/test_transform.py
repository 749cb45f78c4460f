"""Batch transform jobs, seen by an unmodified boto3 client."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.emulator.server import running_server
from tests.support.emulator_setup import client, create_model, emulator, programs, rehearse, s3_with, wait_until
from tests.support.transform_setup import asked, fill, transform, transform_streams, wait_for_end

BEHAVES = """
def answer(path, headers, body):
    if body.startswith(b"status "):
        return int(body.split()[1]), {}, b"said the container"
    if body == b"sleep":
        time.sleep(60)
    got = f"{headers.get('Content-Type')} {headers.get('Accept')} "
    return 200, {}, got.encode() + body[::-1]
"""
TWO_AT_ONCE = """
import threading
both = threading.Barrier(2)
parameters = {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 1, "BatchStrategy": "SINGLE_RECORD"}
def answer(path, headers, body):
    both.wait(20)
    names = ("SAGEMAKER_BATCH", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SHADE")
    return 200, {}, " ".join(os.environ.get(name, "-") for name in names).encode()
"""


def data_log(logs: Any) -> list[str]:
    """The data log's lines without their times."""
    ((_, lines),) = [found for found in transform_streams(logs).items() if found[0].endswith("/data-log")]
    return [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}:\[sagemaker logs\]: ", "", line) for line in lines]


def test_every_object_comes_back_under_its_name(tmp_path: Path) -> None:
    fill(tmp_path, a=b"one", b=b"two", sub__a=b"three")
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, logs, server):
        described = transform(sagemaker, tmp_path, MaxConcurrentTransforms=2, MaxPayloadInMB=1)
        (listed,) = sagemaker.list_transform_jobs(StatusEquals="Completed")["TransformJobSummaries"]
        lines = data_log(logs)
        assert sagemaker.list_transform_jobs(StatusEquals="Failed")["TransformJobSummaries"] == []
        wait_until(lambda: not server.services.busy)
    made = tmp_path / "predicted"
    found = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    prefix = b"image/jpeg image/png "
    assert found == {"a.jpg.out": prefix + b"eno", "b.jpg.out": prefix + b"owt", "sub/a.jpg.out": prefix + b"eerht"}
    assert described["TransformJobStatus"] == listed["TransformJobStatus"] == "Completed"
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]
    assert described["TransformJobArn"] == "arn:aws:sagemaker:eu-central-1:123456789012:transform-job/batch"
    assert lines == ["MaxConcurrentTransforms=2, MaxPayloadInMB=1, BatchStrategy=MULTI_RECORD"]


def test_the_container_says_how_many_at_once(tmp_path: Path) -> None:
    fill(tmp_path, a=b"one", b=b"two")
    with emulator(tmp_path, serve=TWO_AT_ONCE) as (sagemaker, logs, _):
        described = transform(sagemaker, tmp_path, MaxPayloadInMB=3, Environment={"SHADE": "blue"})
        assert data_log(logs) == ["MaxConcurrentTransforms=2, MaxPayloadInMB=3, BatchStrategy=MULTI_RECORD"]
    assert described["TransformJobStatus"] == "Completed"
    assert (tmp_path / "predicted" / "a.jpg.out").read_text() == "true 3 blue"


@pytest.mark.parametrize(
    ("content", "reason", "lines"),
    [
        (
            b"status 415 ",
            "ClientError: See job logs for more information",
            ["ClientError: 415", "", "Message:", "said the container"],
        ),
        (
            b"status 500 ",
            "AlgorithmError: See job logs for more information",
            ["Bad HTTP status received from algorithm: 500", "", "Message:", "said the container"],
        ),
        (b"sleep", "AlgorithmError: See job logs for more information", ["Unable to get response from algorithm"]),
        (
            bytes(2**20 + 1),
            "ClientError: See job logs for more information",
            ["ClientError: Too much data for max payload size"],
        ),
    ],
    ids=["refused", "failed", "late", "large"],
)
def test_an_object_that_fails_fails_the_job_but_not_the_others(
    tmp_path: Path, content: bytes, reason: str, lines: list[str]
) -> None:
    fill(tmp_path, a=b"one", b=content, c=b"three")
    client_config = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, logs, _):
        described = transform(sagemaker, tmp_path, ModelClientConfig=client_config, MaxPayloadInMB=1)
        logged = data_log(logs)[1:]
    place = str(tmp_path / "in" / "b.jpg").lstrip("/")
    assert (described["TransformJobStatus"], described["FailureReason"]) == ("Failed", reason)
    assert logged == [f"{place}: {line}" for line in lines]
    assert sorted(path.name for path in (tmp_path / "predicted").iterdir()) == ["a.jpg.out", "c.jpg.out"]


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    serve = """
tries = []
def answer(path, headers, body):
    tries.append(body)
    return (503 if len(tries) < 4 else 200), {}, str(len(tries)).encode()
"""
    fill(tmp_path, a=b"one")
    with emulator(tmp_path, serve=serve) as (sagemaker, _, _):
        assert transform(sagemaker, tmp_path)["TransformJobStatus"] == "Completed"
    assert (tmp_path / "predicted" / "a.jpg.out").read_bytes() == b"4"


def test_a_job_can_be_stopped_while_the_container_works(tmp_path: Path) -> None:
    fill(tmp_path, a=b"sleep", b=b"two")
    serve = BEHAVES.replace("time.sleep(60)", 'print("asleep"); time.sleep(60)')
    with emulator(tmp_path, serve=serve) as (sagemaker, logs, _):
        create_model(sagemaker, tmp_path)
        sagemaker.create_transform_job(**asked(tmp_path))
        wait_until(lambda: "asleep" in container_log(logs))
        sagemaker.stop_transform_job(TransformJobName="batch")
        assert wait_for_end(sagemaker)["TransformJobStatus"] == "Stopped"
        with pytest.raises(sagemaker.exceptions.ClientError, match="transform job is in status Stopped"):
            sagemaker.stop_transform_job(TransformJobName="batch")
    assert not (tmp_path / "predicted").exists()


def container_log(logs: Any) -> list[str]:
    streams = transform_streams(logs)
    return [line for name, lines in streams.items() if not name.endswith("data-log") for line in lines]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"capacity_error": True}, "CapacityError: Unable to provision requested ML compute capacity"),
        ({"fail_objects": "b.*"}, "AlgorithmError: See job logs"),
    ],
)
def test_rehearsed_failures(tmp_path: Path, trouble: dict[str, Any], reason: str) -> None:
    rehearse(tmp_path, {"transform_jobs": {"batch": trouble}})
    fill(tmp_path, a=b"one", b=b"two")
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, _, _):
        assert transform(sagemaker, tmp_path)["FailureReason"].startswith(reason)


def test_a_container_that_is_not_healthy(tmp_path: Path) -> None:
    fill(tmp_path, a=b"one")
    with emulator(tmp_path, serve="sys.exit(1)") as (sagemaker, _, _):
        described = transform(sagemaker, tmp_path)
    assert described["FailureReason"].startswith("AlgorithmError: The container did not pass the ping health check")


def test_jobs_of_a_server_that_ends_are_failed(tmp_path: Path) -> None:
    fill(tmp_path, a=b"sleep")
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, logs, _):
        create_model(sagemaker, tmp_path)
        sagemaker.create_transform_job(**asked(tmp_path))
        wait_until(lambda: container_log(logs) != [])
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, _, _):
        described = sagemaker.describe_transform_job(TransformJobName="batch")
    assert (described["TransformJobStatus"], "the emulator ended" in described["FailureReason"]) == ("Failed", True)


def _input(**changes: Any) -> dict[str, Any]:
    return {
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/"}}} | changes
    }


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "absent model": ({"ModelName": "absent"}, 'Could not find model "'),
    "manifest": (
        {"TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://b/m"}}}},
        "S3DataType ManifestFile is not emulated",
    ),
    "split": (_input(SplitType="Line"), "SplitType Line is not emulated"),
    "packed": (_input(CompressionType="Gzip"), "CompressionType Gzip is not emulated"),
    "machines": (
        {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 101}},
        "InstanceCount 101 exceeds 100",
    ),
    "filter": ({"DataProcessing": {"JoinSource": "Input"}}, "DataProcessing is not emulated"),
    "memory": ({"MaxConcurrentTransforms": 20, "MaxPayloadInMB": 6}, "exceeds 100 MB"),
    "bad instance": (
        {"TransformResources": {"InstanceType": "ml.x.large", "InstanceCount": 1}},
        "enum value set",
    ),
    "loader": ({"Environment": {"PYTHONPATH": "x"}}, "Environment variable PYTHONPATH"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_requests_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = REFUSED[case]
    fill(tmp_path, a=b"one")
    with emulator(tmp_path) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            sagemaker.create_transform_job(**asked(tmp_path, **changes))
        assert sagemaker.list_transform_jobs()["TransformJobSummaries"] == []


def test_data_that_is_not_there_and_names_that_are_taken_or_unknown(tmp_path: Path) -> None:
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        with pytest.raises(sagemaker.exceptions.ClientError, match="no folder there"):
            sagemaker.create_transform_job(**asked(tmp_path))
        with pytest.raises(sagemaker.exceptions.ClientError, match="Could not find requested job with name: absent"):
            sagemaker.describe_transform_job(TransformJobName="absent")
        fill(tmp_path, a=b"one")
        sagemaker.create_transform_job(**asked(tmp_path))
        with pytest.raises(sagemaker.exceptions.ResourceInUse, match="a job with this name already exists"):
            sagemaker.create_transform_job(**asked(tmp_path))
        wait_for_end(sagemaker)


def test_a_link_out_of_the_input_folder_is_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, a=b"one")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in" / "b.jpg").symlink_to(tmp_path / "secret")
    with emulator(tmp_path, serve=BEHAVES) as (sagemaker, _, _):
        described = transform(sagemaker, tmp_path)
    assert "a link that leaves its folder" in described["FailureReason"]
    assert not (tmp_path / "predicted").exists()


def test_objects_on_s3_come_back_to_s3(tmp_path: Path) -> None:
    with s3_with("transform-bucket", "in/a.jpg", "in/sub/b.jpg") as s3:
        _transform_on_s3(tmp_path, s3)
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket="transform-bucket", Prefix="out/")["Contents"]]
        body = s3.get_object(Bucket="transform-bucket", Key="out/a.jpg.out")["Body"].read()
    assert keys == ["out/a.jpg.out", "out/sub/b.jpg.out"]
    assert body.endswith(b"gpj.a/ni")


def _transform_on_s3(folder: Path, s3: Any) -> None:
    with (
        running_server(folder / "home", programs=programs(folder, serve=BEHAVES), make_s3=lambda: s3) as server,
        client("sagemaker", server.url) as sagemaker,
    ):
        create_model(sagemaker, folder)
        s3.upload_file(str(folder / "model.tar.gz"), "transform-bucket", "model.tar.gz")
        with pytest.raises(
            sagemaker.exceptions.ClientError, match="Could not find model data at s3://transform-bucket/absent"
        ):
            create_model(sagemaker, folder, "absent", ModelDataUrl="s3://transform-bucket/absent")
        create_model(sagemaker, folder, "far", ModelDataUrl="s3://transform-bucket/model.tar.gz")
        job = asked(folder, ModelName="far", MaxConcurrentTransforms=4)
        job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://transform-bucket/in/"
        job["TransformOutput"]["S3OutputPath"] = "s3://transform-bucket/out"
        sagemaker.create_transform_job(**job)
        assert wait_for_end(sagemaker)["TransformJobStatus"] == "Completed"

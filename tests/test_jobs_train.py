"""From a dataset and options to the exact request, pure and refused where AWS would refuse."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from dataset_samples import make_dataset
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from jobs.cli import app
from jobs.instances import GPU_INSTANCES
from jobs.options import TrainOptions
from jobs.registry import ACCOUNTS, builtin_image
from jobs.train import LOCAL_ROLE, default_name, is_builtin, plan_job, request_of, volume_gb
from jobs.upload import channel_files, parse_s3_uri, upload_dataset

ROLE = "arn:aws:iam::123456789012:role/SageMaker"
NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
ON_AWS = TrainOptions(data="s3://bucket/cars", name="fcn-cars")


def image_and_mask(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (32, 32, 3), np.uint8), rng.integers(0, 2, (32, 32)).astype(np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": image_and_mask(number) for number in range(20)}
    splits = {stem: "val" if number < 4 else "train" for number, stem in enumerate(images)}
    return make_dataset(tmp_path / "cars", images, splits=splits)


def plan(
    dataset: Dataset, given: dict[str, str], options: TrainOptions = ON_AWS, role: str | None = ROLE
) -> dict[str, Any]:
    job = plan_job(dataset, given, options, region="us-east-1", role=role, now=NOW)
    return request_of(job, local=options.backend == "local")


def test_the_request_for_aws_is_complete_and_nothing_else(dataset: Dataset) -> None:
    def channel(name: str, content_type: str) -> dict[str, Any]:
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://bucket/cars/{name}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {
            "ChannelName": name,
            "DataSource": {"S3DataSource": source},
            "ContentType": content_type,
            "CompressionType": "None",
            "RecordWrapperType": "None",
            "InputMode": "File",
        }

    request = plan(dataset, {"algorithm": "psp", "backbone": "resnet-101", "epochs": "160"})
    digest = request.pop("Tags")[0]
    assert digest["Key"] == "sageseg:dataset"
    assert request == {
        "TrainingJobName": "fcn-cars",
        "HyperParameters": {
            "algorithm": "psp",
            "backbone": "resnet-101",
            "epochs": "160",
            "num_classes": "2",
            "num_training_samples": "16",
        },
        "AlgorithmSpecification": {
            "TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
            "TrainingInputMode": "File",
        },
        "RoleArn": ROLE,
        "InputDataConfig": [
            channel("train", "image/jpeg"),
            channel("validation", "image/jpeg"),
            channel("train_annotation", "image/png"),
            channel("validation_annotation", "image/png"),
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/cars/output"},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }


@pytest.mark.parametrize("algorithm", ["fcn", "psp", "deeplab"])
@pytest.mark.parametrize("backbone", ["resnet-50", "resnet-101"])
@pytest.mark.parametrize("instance_type", GPU_INSTANCES)
def test_every_network_on_every_documented_gpu_passes_the_service_model(
    dataset: Dataset, algorithm: str, backbone: str, instance_type: str
) -> None:
    options = TrainOptions(data="s3://bucket/cars", instance_type=instance_type)
    request = plan(dataset, {"algorithm": algorithm, "backbone": backbone}, options)
    assert request["ResourceConfig"]["InstanceType"] == instance_type


def test_the_local_request_differs_only_in_its_uris_role_and_image(dataset: Dataset) -> None:
    aws = plan(dataset, {"epochs": "3"})
    local = plan(dataset, {"epochs": "3"}, TrainOptions(backend="local", name="fcn-cars"), role=None)
    assert local["RoleArn"] == LOCAL_ROLE
    sources = [channel["DataSource"]["S3DataSource"] for channel in local["InputDataConfig"]]
    assert sources[0]["S3Uri"] == f"{(dataset.root / 'channels' / 'train').as_uri()}/"
    for request in (aws, local):
        del request["RoleArn"], request["OutputDataConfig"]
        for channel in request["InputDataConfig"]:
            del channel["DataSource"]["S3DataSource"]["S3Uri"]
    assert local == aws


def test_a_request_to_aws_never_holds_a_file_uri(dataset: Dataset) -> None:
    with pytest.raises(SagesegError, match=r"file:///data/train/.*inputDataConfig"):
        plan(dataset, {}, TrainOptions(data="file:///data"))


def test_unet_runs_under_our_own_image_from_random_weights(dataset: Dataset) -> None:
    request = plan(dataset, {"algorithm": "unet"}, TrainOptions(backend="local"), role=None)
    assert request["AlgorithmSpecification"]["TrainingImage"] == "sageseg:local"
    assert request["HyperParameters"]["use_pretrained_model"] == "False"
    assert request["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    with pytest.raises(SagesegError, match="unet: not part of the built-in algorithm"):
        plan(dataset, {"algorithm": "unet"})


@pytest.mark.parametrize(
    ("given", "options", "role", "message"),
    [
        ({}, TrainOptions(), ROLE, r"--data: missing; expected s3://bucket/prefix"),
        ({}, ON_AWS, None, r"--role: missing; expected the ARN"),
        ({}, ON_AWS, "SageMaker", r"Value 'SageMaker' at 'roleArn'"),
        ({}, TrainOptions(data="s3://b/c", instance_type="ml.c5.xlarge"), ROLE, "trains on P2, P3, G4dn and G5 only"),
        ({}, TrainOptions(data="s3://b/c", name="-cars"), ROLE, r"Value '-cars' at 'trainingJobName'"),
        ({}, TrainOptions(data="s3://b/c", output="elsewhere"), ROLE, "--output elsewhere: expected s3://"),
        ({}, TrainOptions(data="s3://b/c", max_runtime=0), ROLE, "maxRuntimeInSeconds"),
        ({"mini_batch_size": "17"}, ON_AWS, ROLE, "mini_batch_size 17: over the 16 training images"),
        ({"learning_rate": "7"}, ON_AWS, ROLE, r"learning_rate is '7'; expected a number in \(0, 1\]"),
    ],
)
def test_what_aws_would_refuse_is_refused_before(
    dataset: Dataset, given: dict[str, str], options: TrainOptions, role: str | None, message: str
) -> None:
    with pytest.raises(SagesegError, match=message):
        plan(dataset, given, options, role)


def test_a_dataset_without_validation_images_is_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "cars", {"a": image_and_mask(0)}, splits={"a": "train"})
    with pytest.raises(SagesegError, match="no val images, and the algorithm needs train and validation"):
        plan(dataset, {})


def test_images_stand_in_37_regions_under_the_partitions_own_domain() -> None:
    assert len(ACCOUNTS) == 37
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    for region, account in ACCOUNTS.items():
        endpoint = boto3.client(
            "ecr", region_name=region, **keys
        ).meta.endpoint_url  # https://api.ecr.<region>.<domain>
        host = endpoint.removeprefix("https://api.")
        assert builtin_image(region) == f"{account}.dkr.{host}/semantic-segmentation:1"
        assert is_builtin(builtin_image(region))
    assert not is_builtin("sageseg:local")
    with pytest.raises(SagesegError, match=r"region mars-1: .* expected one of af-south-1"):
        builtin_image("mars-1")


def test_default_names_say_what_and_when_within_the_services_rule() -> None:
    assert default_name("fcn", "my cars_v2", now=NOW) == "fcn-my-cars-v2-20261121-010203"
    assert default_name("車", now=NOW) == "job-20261121-010203"
    assert len(default_name("deeplab", "x" * 200, now=NOW)) <= 63


def test_the_volume_holds_the_dataset_twice(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert volume_gb(dataset) == 30
    monkeypatch.setattr("jobs.train._GIB", 100)  # the sample's few kilobytes pass for gigabytes
    stored = sum(
        path.stat().st_size for kind in ("JPEGImages", "SegmentationClass") for path in (dataset.root / kind).iterdir()
    )
    assert volume_gb(dataset) == int(2 * stored / 100) + 10


def test_dry_run_prints_the_request_and_nothing_else(dataset: Dataset) -> None:
    words = [
        "train",
        str(dataset.root),
        "--data",
        "s3://bucket/cars",
        "--role",
        ROLE,
        "--region",
        "eu-west-1",
        "--dry-run",
    ]
    ran = CliRunner().invoke(app, [*words, "--algorithm", "deeplab", "--early-stopping", "True"])
    assert ran.exit_code == 0
    request = json.loads(ran.stdout)
    assert request["HyperParameters"]["early_stopping"] == "True"
    assert "685385470294.dkr.ecr.eu-west-1" in request["AlgorithmSpecification"]["TrainingImage"]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def s3_client(endpoint: str) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)


def test_upload_puts_every_channel_under_its_own_prefix(dataset: Dataset, s3_server: str) -> None:
    s3 = s3_client(s3_server)
    s3.create_bucket(Bucket="bucket")
    assert upload_dataset(s3, dataset, "s3://bucket/cars") == 40
    for channel, count in (("train", 16), ("train_annotation", 16), ("validation", 4), ("validation_annotation", 4)):
        listed = s3.list_objects_v2(Bucket="bucket", Prefix=f"cars/{channel}/")["Contents"]
        assert len(listed) == count
        body = s3.get_object(Bucket="bucket", Key=listed[0]["Key"])["Body"].read()
        paths = {path.name: path for name, path in channel_files(dataset) if name == channel}
        assert body == paths[listed[0]["Key"].rsplit("/", 1)[1]].read_bytes()


def test_an_upload_that_s3_refuses_is_one_line(dataset: Dataset, s3_server: str) -> None:
    s3 = s3_client(s3_server)
    with pytest.raises(SagesegError, match=r"uploading to s3://nobody/cars: .*bucket does not exist"):
        upload_dataset(s3, dataset, "s3://nobody/cars")


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3:///prefix", "https://bucket/prefix"])
def test_uris_that_are_not_s3_are_refused(uri: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/prefix"):
        parse_s3_uri(uri)


def test_prefixes_end_in_a_slash_so_that_they_never_catch_a_neighbour() -> None:
    assert parse_s3_uri("s3://bucket/a/b").prefix == "a/b/"
    assert parse_s3_uri("s3://bucket/").prefix == ""


def test_sample_dataset_is_a_dataset(dataset: Dataset) -> None:
    assert open_dataset(dataset.root) == dataset

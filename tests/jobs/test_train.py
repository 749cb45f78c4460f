"""From a dataset and options to the exact request, pure and refused where AWS would refuse."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from typer.testing import CliRunner

from aws.names import default_name, numbered
from aws.s3 import parse_s3_uri
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.prepared.label_map import check_label_map
from jobs.backends import LOCAL_ROLE
from jobs.cli import app
from jobs.contract.channels import MANIFEST_ATTRIBUTES as ATTRIBUTES
from jobs.contract.file_uris import file_uri_path
from jobs.contract.instances import GPU_INSTANCES, larger_memory
from jobs.contract.registry import ACCOUNTS, builtin_image, is_builtin
from jobs.emulator.host.storage import Storage, open_s3
from jobs.emulator.training.channel_pipes import read_streams
from jobs.training.augmented_manifest import augmented_manifests, manifest_folder, write_manifests
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.training.plan import Surroundings, plan_training, settle_jobs, volume_gb
from jobs.training.starting_point import EarlierModel
from jobs.training.upload_plan import channel_files
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import make_dataset

ROLE = "arn:aws:iam::123456789012:role/SageMaker"
NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
NAMED = StartOptions(name="fcn-cars")
DATA = DataOptions(data="s3://bucket/cars")
ON_AWS = TrainOptions(NAMED, DATA)


def on_machine(**machine: Any) -> TrainOptions:
    return TrainOptions(NAMED, DATA, MachineOptions(**machine))


def with_data(**data: Any) -> TrainOptions:
    return TrainOptions(NAMED, DataOptions(**{"data": "s3://bucket/cars", **data}))


def locally(**start: Any) -> TrainOptions:
    return TrainOptions(StartOptions(backend="local", **start))


def image_and_mask(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (32, 32, 3), np.uint8), rng.integers(0, 2, (32, 32)).astype(np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": image_and_mask(number) for number in range(20)}
    splits = {stem: "val" if number < 4 else "train" for number, stem in enumerate(images)}
    return make_dataset(tmp_path / "cars", images, splits=splits)


def plan(
    dataset: Dataset,
    given: dict[str, str],
    options: TrainOptions = ON_AWS,
    role: str | None = ROLE,
    earlier: EarlierModel | None = None,
) -> dict[str, Any]:
    return plan_training(dataset, given, options, around(role), earlier).attempts[0].request


def around(role: str | None = ROLE) -> Surroundings:
    return Surroundings("us-east-1", role, NOW, os.environ)


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
    options = on_machine(instance_type=(instance_type,))
    request = plan(dataset, {"algorithm": algorithm, "backbone": backbone}, options)
    assert request["ResourceConfig"]["InstanceType"] == instance_type


def test_the_local_request_differs_only_in_its_uris_role_and_image(dataset: Dataset) -> None:
    aws = plan(dataset, {"epochs": "3"})
    local = plan(dataset, {"epochs": "3"}, locally(name="fcn-cars"), role=None)
    assert local["RoleArn"] == LOCAL_ROLE
    sources = [channel["DataSource"]["S3DataSource"] for channel in local["InputDataConfig"]]
    assert sources[0]["S3Uri"] == f"{(dataset.root / 'channels' / 'train').as_uri()}/"
    for request in (aws, local):
        del request["RoleArn"], request["OutputDataConfig"]
        for channel in request["InputDataConfig"]:
            del channel["DataSource"]["S3DataSource"]["S3Uri"]
    assert local == aws


def test_settings_of_the_open_implementation_travel_with_the_local_request_alone(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_PRETRAINED", "weights")
    monkeypatch.setenv("SAGESEG_PRECISION", "float32")
    local = plan(dataset, {}, locally(name="a"))
    assert local["Environment"] == {"SAGESEG_PRETRAINED": str(Path.cwd() / "weights"), "SAGESEG_PRECISION": "float32"}
    assert "Environment" not in plan(dataset, {})


def test_a_request_to_aws_never_holds_a_file_uri(dataset: Dataset) -> None:
    with pytest.raises(SagesegError, match=r"file:///data/train/.*inputDataConfig"):
        plan(dataset, {}, with_data(data="file:///data"))


def test_unet_runs_under_our_own_image_from_random_weights(dataset: Dataset) -> None:
    request = plan(dataset, {"algorithm": "unet"}, locally(), role=None)
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
        ({}, on_machine(instance_type=("ml.c5.xlarge",)), ROLE, "trains on P2, P3, G4dn and G5 only"),
        ({}, on_machine(instance_type=("ml.g5.2xlarge", "ml.g6.2xlarge")), ROLE, "ml.g6.2xlarge: the built-in"),
        ({}, on_machine(instance_type=("ml.g4dn.xlarge",), volume_size=200), ROLE, "has 125 GB of disk"),
        ({}, TrainOptions(StartOptions(name="-cars"), DATA), ROLE, r"Value '-cars' at 'trainingJobName'"),
        ({}, TrainOptions(StartOptions(name="x" * 64), DATA), ROLE, r"--name x+: 64 characters; expected at most 63"),
        ({}, with_data(output="elsewhere"), ROLE, "--output elsewhere: expected s3://"),
        ({}, on_machine(max_runtime=0), ROLE, "maxRuntimeInSeconds"),
        ({}, on_machine(spot=True, max_wait=60), ROLE, "--max-wait 60: shorter than --max-runtime 86400"),
        ({}, on_machine(max_wait=60), ROLE, "--max-wait 60: only with --spot"),
        ({}, TrainOptions(NAMED, DATA, security=SecurityOptions(subnets=("subnet-1",))), ROLE, "a VPC needs both"),
        ({}, with_data(label_map=Path("nowhere")), ROLE, "--label-map nowhere: expected a folder with train_label_map"),
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
    with pytest.raises(SagesegError, match=r"no val images.* or pass --validate-on train"):
        plan(dataset, {}, with_data(), ROLE)
    request = plan(dataset, {"mini_batch_size": "1"}, with_data(validate_on="train"))
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]]
    assert uris == [f"s3://bucket/cars/{name}/" for name in ("train", "train", "train_annotation", "train_annotation")]


def test_each_instance_type_has_a_job_of_its_own_name(dataset: Dataset) -> None:
    def plan_all(options: TrainOptions) -> list[tuple[str, str]]:
        return [(job.name, job.instance_type) for job in settle_jobs(dataset, {}, options, around()).jobs]

    assert plan_all(ON_AWS) == [
        ("fcn-cars", "ml.p3.2xlarge"),
        ("fcn-cars-2", "ml.g5.2xlarge"),
        ("fcn-cars-3", "ml.g4dn.2xlarge"),
    ]
    assert plan_all(on_machine(volume_size=300)) == [("fcn-cars", "ml.p3.2xlarge"), ("fcn-cars-2", "ml.g5.2xlarge")]
    assert plan_all(on_machine(instance_type=("ml.g5.xlarge",))) == [("fcn-cars", "ml.g5.xlarge")]
    assert [len(numbered("x" * 63, number)) for number in (1, 2, 10)] == [63, 63, 63]
    assert numbered("a" * 60 + "-bc", 2) == "a" * 60 + "-2"


def test_spot_checkpoints_lie_under_the_jobs_own_name(dataset: Dataset) -> None:
    attempts = plan_training(dataset, {}, on_machine(spot=True), around()).attempts
    jobs = [attempt.job for attempt in attempts]
    assert [job.spot.checkpoint_uri.rpartition("/")[2] for job in jobs if job.spot] == [job.name for job in jobs]
    request = attempts[0].request
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 172800}


def test_a_model_that_is_trained_further_fixes_network_and_classes(dataset: Dataset) -> None:
    uri = "s3://bucket/cars/output/first/output/model.tar.gz"
    earlier = EarlierModel(uri, {"algorithm": "psp", "crop_size": "512", "num_classes": "2", "epochs": "7"})
    request = plan(dataset, {"epochs": "3"}, earlier=earlier)
    given = request["HyperParameters"]
    assert {name: given[name] for name in ("algorithm", "backbone", "crop_size", "epochs")} == {
        "algorithm": "psp",
        "backbone": "resnet-50",
        "crop_size": "512",
        "epochs": "3",
    }
    assert request["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"] == uri
    with pytest.raises(SagesegError, match="--backbone resnet-101: the model to train further has resnet-50"):
        plan(dataset, {"backbone": "resnet-101"}, earlier=earlier)
    with pytest.raises(SagesegError, match="2 classes, but the model to train further has 5"):
        plan(dataset, {}, earlier=EarlierModel(uri, {"num_classes": "5"}))
    assert plan(dataset, {}, earlier=EarlierModel(uri, {}))["InputDataConfig"][-1]["ChannelName"] == "model"


def test_augmented_manifests_name_every_pair(dataset: Dataset) -> None:
    request = plan(dataset, {}, with_data(augmented_manifest=True))
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "validation"]
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://bucket/cars/manifests/train.manifest"
    manifests = augmented_manifests(dataset, "s3://bucket/cars")
    lines = [json.loads(line) for line in manifests["validation.manifest"].splitlines()]
    assert lines[0] == {
        "source-ref": "s3://bucket/cars/validation/car0_01.jpg",
        "segmentation-ref": "s3://bucket/cars/validation_annotation/car0_01.png",
    }
    assert (len(lines), len(manifests["train.manifest"].splitlines())) == (4, 16)


ODD_NAMES = (
    "0001 to 0017",
    "per%20cent",
    "100%",
    "car #1",
    "a?b=c&d",
    "a;b,c",
    "größe",
    "車 1",
    "e\u0301",
    'quote"d',
    "back\\slash",
    "(1) [2] {3}",
    "~a'b!",
    "+plus+",
    "a@b:c",
    "%2F",
)


def test_manifests_of_this_machine_lead_the_emulator_to_the_files_whatever_their_names(tmp_path: Path) -> None:
    images = {stem: image_and_mask(number) for number, stem in enumerate(ODD_NAMES)}
    splits = {stem: "val" if number % 2 else "train" for number, stem in enumerate(ODD_NAMES)}
    odd = make_channels(make_dataset(tmp_path / "a #1 %41", images, splits=splits))
    channels = (odd.root / "channels").absolute()
    write_manifests(odd, channels.as_uri())
    for channel, split in (("train", "train"), ("validation", "val")):
        uri = f"{manifest_folder(odd, '', local=True)}/{channel}.manifest"
        source = {"S3Uri": uri, "S3DataType": "AugmentedManifestFile", "AttributeNames": ATTRIBUTES}
        piped = {"ChannelName": channel, "DataSource": {"S3DataSource": source}}
        (stream,) = read_streams(Storage(open_s3), {"InputDataConfig": [piped]})
        stems = sorted(row.id for row in odd.kept(split))
        places = [
            path
            for stem in stems
            for path in (channels / channel / f"{stem}.jpg", channels / f"{channel}_annotation" / f"{stem}.png")
        ]
        assert [file_uri_path(uri) for uri in stream.uris] == places
        assert all(path.is_file() for path in places)


def test_in_s3_keys_stand_in_manifests_as_they_are(tmp_path: Path) -> None:
    images = {stem: image_and_mask(number) for number, stem in enumerate(ODD_NAMES)}
    odd = make_channels(make_dataset(tmp_path / "odd", images, splits=dict.fromkeys(ODD_NAMES, "train")))
    lines = augmented_manifests(odd, "s3://bucket/cars")["train.manifest"].splitlines()
    named = {uri for line in lines for uri in json.loads(line).values()}
    assert named == {f"s3://bucket/cars/{channel}/{path.name}" for channel, path in channel_files(odd)}


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        ({"scale": "3"}, None),
        ({"map": {"0": 5, "1": 0}}, None),
        ({"map": {"5": 0}}, "'5' is no class"),
        ({"map": {"00": 5, "0": 4}}, "'00' is no class"),
        ({"map": {"٠": 5}}, "'٠' is no class"),
        ({"map": {"9" * 5000: 5}}, "is no class"),
        ({"map": {"0": 256}}, "class 0 has value 256"),
        ({"map": {"0": 0, "1": True}}, "class 1 has value True"),
        ({"scale": 3}, None),
        ({"scale": "9" * 5000}, "expected a whole number from 1 to 255"),
        ({"scale": "0"}, "scale is '0'"),
        ({"scale": "x"}, "scale is 'x'"),
        ({"map": {}}, "expected values of the PNG by class"),
        ({"maps": {}}, 'expected {"scale"'),
        ([], 'expected {"scale"'),
    ],
)
def test_label_maps_name_values_by_class(label_map: object, message: str | None) -> None:
    if message is None:
        check_label_map(label_map, 2)
        return
    with pytest.raises(SagesegError, match=message):
        check_label_map(label_map, 2)


def test_more_gpu_memory_is_found_in_the_documented_families() -> None:
    assert larger_memory("ml.p3.2xlarge") == "ml.g5.xlarge"  # 16 → 24 GiB
    assert larger_memory("ml.g5.48xlarge") == "ml.p3dn.24xlarge"  # 192 → 256 GiB
    assert larger_memory("ml.p3dn.24xlarge") is None
    assert larger_memory("ml.m5.large") is None


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
    monkeypatch.setattr("jobs.training.plan._GIB", 100)  # the sample's few kilobytes pass for gigabytes
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


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3:///prefix", "https://bucket/prefix"])
def test_uris_that_are_not_s3_are_refused(uri: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/prefix"):
        parse_s3_uri(uri)


def test_prefixes_end_in_a_slash_so_that_they_never_catch_a_neighbour() -> None:
    assert parse_s3_uri("s3://bucket/a/b").prefix == "a/b/"
    assert parse_s3_uri("s3://bucket/").prefix == ""


def test_sample_dataset_is_a_dataset(dataset: Dataset) -> None:
    assert open_dataset(dataset.root) == dataset

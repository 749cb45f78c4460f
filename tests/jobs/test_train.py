"""From a dataset and options to the exact request, pure and refused where AWS would refuse."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from aws.names import default_name
from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from jobs.backends import LOCAL_ROLE
from jobs.cli import app
from jobs.training.options import SecurityOptions, StartOptions, TrainOptions
from jobs.training.starting_point import EarlierModel
from tests.support.aws_setup import ROLE, error_of
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import make_dataset
from tests.support.training_plans import (
    DATA,
    NAMED,
    NOW,
    ON_AWS,
    image_and_mask,
    on_machine,
    plan,
    twenty_cars,
    with_data,
)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return twenty_cars(tmp_path)


def locally(**start: Any) -> TrainOptions:
    return TrainOptions(StartOptions(backend="local", **start))


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
        "ResourceConfig": {
            "InstancePreferences": [{"InstanceType": "ml.g5.2xlarge"}, {"InstanceType": "ml.g4dn.2xlarge"}],
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }


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
        ({}, TrainOptions(StartOptions(name="-cars"), DATA), ROLE, r"--name -cars: expected letters"),
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


def test_default_names_say_what_and_when_within_the_services_rule() -> None:
    assert default_name("fcn", "my cars_v2", now=NOW) == "fcn-my-cars-v2-20261121-010203"
    assert default_name("車", now=NOW) == "job-20261121-010203"
    assert len(default_name("deeplab", "x" * 200, now=NOW)) <= 63


def dry_run(dataset: Dataset, *words: str) -> Result:
    common = ("--data", "s3://bucket/cars", "--role", ROLE, "--region", "eu-west-1", "--dry-run")
    return CliRunner().invoke(app, ["train", str(dataset.root), *common, *words])


def test_dry_run_prints_the_request_alone_and_says_beside_it_what_a_start_would(dataset: Dataset) -> None:
    make_channels(dataset)
    ran = dry_run(dataset, "--algorithm", "deeplab", "--early-stopping", "True", "--rate", "2", "--max-cost", "48")
    assert ran.exit_code == 0, ran.output
    request = json.loads(ran.stdout)
    assert request["HyperParameters"]["early_stopping"] == "True"
    assert "685385470294.dkr.ecr.eu-west-1" in request["AlgorithmSpecification"]["TrainingImage"]
    assert "warning: " in ran.stderr
    assert "deeplab" in ran.stderr  # the check's own finding
    quote = "ml.g5.2xlarge: $2 per hour (your --rate); at worst $48.00, if it runs all 24 h allowed"
    assert quote in ran.stderr.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rate", "2", "--max-cost", "47"), r"^ml\.g5\.2xlarge: may cost \$48\.00, more than --max-cost 47; lower"),
        (("--max-cost", "47"), r"^ml\.g5\.2xlarge: its price is unknown, .* pass it as --rate, or choose another"),
        (("--rate", "0"), r"^--rate 0: expected dollars per hour above 0, such as 1\.69$"),
        (("--rate", "dear"), "^--rate dear: expected dollars per hour above 0"),
        (("--rate", "inf"), "^--rate inf: expected dollars per hour above 0"),
    ],
)
def test_a_dry_run_refuses_what_a_start_would(dataset: Dataset, words: tuple[str, ...], message: str) -> None:
    make_channels(dataset)
    assert re.search(message, error_of(dry_run(dataset, *words)))


def test_a_dry_run_prints_the_request_though_the_check_would_stop_it(dataset: Dataset) -> None:
    ran = dry_run(dataset)  # without channels
    assert "is missing from the channel; prepare the dataset again" in error_of(ran)
    assert json.loads(ran.stdout)["HyperParameters"]["num_classes"] == "2"


def test_sample_dataset_is_a_dataset(dataset: Dataset) -> None:
    assert open_dataset(dataset.root) == dataset

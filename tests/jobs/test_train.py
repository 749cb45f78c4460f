"""From a dataset and options to the exact request, pure and refused where AWS would refuse."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from typer.testing import CliRunner, Result

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
from jobs.training.machines import volume_gb
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.training.plan import JobPlan, Surroundings, plan_training, settle_jobs
from jobs.training.starting_point import EarlierModel
from jobs.training.upload_plan import channel_files
from tests.support.aws_setup import error_of
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
    return plan_training(dataset, given, options, around(role), earlier).first.request


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
        "ResourceConfig": {
            "InstancePreferences": [{"InstanceType": "ml.g5.2xlarge"}, {"InstanceType": "ml.g4dn.2xlarge"}],
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
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


def test_each_instance_type_has_a_job_of_its_own_name(dataset: Dataset) -> None:
    def plan_all(options: TrainOptions) -> list[tuple[str, str]]:
        return [(job.name, job.instance_type) for job in settle_jobs(dataset, {}, options, around()).jobs]

    assert plan_all(ON_AWS) == [("fcn-cars", "ml.g5.2xlarge"), ("fcn-cars-2", "ml.g4dn.2xlarge")]
    assert plan_all(on_machine(volume_size=300)) == [("fcn-cars", "ml.g5.2xlarge")]
    with pytest.raises(SagesegError, match=r"ml\.g5\.2xlarge: has 450 GB .* but 451 GB are needed; use a larger type"):
        plan_all(on_machine(volume_size=451))
    assert plan_all(on_machine(instance_type=("ml.g5.xlarge",))) == [("fcn-cars", "ml.g5.xlarge")]
    assert [len(numbered("x" * 63, number)) for number in (1, 2, 10)] == [63, 63, 63]
    assert numbered("a" * 60 + "-bc", 2) == "a" * 60 + "-2"


@pytest.mark.parametrize(
    ("machine", "security", "offered"),
    [
        ({}, {}, ["ml.g5.2xlarge", "ml.g4dn.2xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.g5.xlarge")}, {}, ["ml.p3.2xlarge", "ml.g5.xlarge"]),
        ({"instance_type": ("ml.g5.xlarge",)}, {}, None),
        ({"spot": True}, {}, None),
        ({"instance_type": tuple(GPU_INSTANCES)[:5]}, {}, list(GPU_INSTANCES)[:5]),
        ({"instance_type": tuple(GPU_INSTANCES)[:6]}, {}, None),
        ({}, {"kms_key": "alias/cars"}, ["ml.g5.2xlarge", "ml.g4dn.2xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.p3.8xlarge")}, {"kms_key": "a"}, ["ml.p3.2xlarge", "ml.p3.8xlarge"]),
        ({"instance_type": ("ml.p3.2xlarge", "ml.g5.xlarge")}, {"kms_key": "alias/cars"}, None),
    ],
)
def test_the_service_gets_the_list_wherever_it_takes_one(
    dataset: Dataset, machine: dict[str, Any], security: dict[str, Any], offered: list[str] | None
) -> None:
    options = replace(on_machine(**machine), security=SecurityOptions(**security))
    planned = plan_training(dataset, {}, options, around())
    assert (planned.listed is None) == (offered is None)
    resources = planned.first.request["ResourceConfig"]
    if offered is None:
        assert "InstancePreferences" not in resources
        return
    assert resources["InstancePreferences"] == [{"InstanceType": kind} for kind in offered]
    assert "InstanceType" not in resources
    # a disk of the instance's own takes no key, a volume must have the one that was asked for
    assert ("VolumeKmsKeyId" in resources) == (bool(security) and offered[0].startswith("ml.p3"))
    assert [attempt.job.instance_type for attempt in planned.attempts] == offered
    assert planned.first.request["TrainingJobName"] == planned.attempts[0].request["TrainingJobName"] == "fcn-cars"


def test_a_type_of_which_the_account_may_have_none_is_left_out_and_named(dataset: Dataset) -> None:
    def planned(quotas: dict[str, float], **machine: Any) -> JobPlan:
        return plan_training(dataset, {}, on_machine(**machine), replace(around(), quotas=quotas))

    one = planned({"ml.g5.2xlarge": 0.0, "ml.g4dn.2xlarge": 1.0})
    assert one.listed is None
    assert [(attempt.job.name, attempt.job.instance_type) for attempt in one.attempts] == [
        ("fcn-cars", "ml.g4dn.2xlarge")
    ]
    quota = "this account's quota 'ml.g5.2xlarge for training job usage' is 0"
    assert one.lines == (f"note: ml.g5.2xlarge is not tried: {quota}",)
    (line,) = planned({"ml.g5.2xlarge": 0.0}, spot=True).lines
    assert "'ml.g5.2xlarge for spot training job usage'" in line
    assert planned({"ml.g4dn.2xlarge": 4.0}).lines == ()  # what is not known is tried
    kinds = ("ml.p3.2xlarge", "ml.p2.xlarge")
    with pytest.raises(SagesegError, match=r"ml\.p3\.2xlarge,ml\.p2\.xlarge: .* quota for training jobs is 0 for all"):
        planned(dict.fromkeys(kinds, 0.0), instance_type=kinds)


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
    assert larger_memory("ml.g5.2xlarge") == "ml.g4dn.12xlarge"  # 24 → 64 GiB, and no P3, which was retired
    assert larger_memory("ml.g5.48xlarge") is None
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
    monkeypatch.setattr("jobs.training.machines._GIB", 100)  # the sample's few kilobytes pass for gigabytes
    stored = sum(
        path.stat().st_size for kind in ("JPEGImages", "SegmentationClass") for path in (dataset.root / kind).iterdir()
    )
    assert volume_gb(dataset) == int(2 * stored / 100) + 10


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


@pytest.mark.parametrize("uri", ["bucket/prefix", "s3:///prefix", "https://bucket/prefix"])
def test_uris_that_are_not_s3_are_refused(uri: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/prefix"):
        parse_s3_uri(uri)


def test_prefixes_end_in_a_slash_so_that_they_never_catch_a_neighbour() -> None:
    assert parse_s3_uri("s3://bucket/a/b").prefix == "a/b/"
    assert parse_s3_uri("s3://bucket/").prefix == ""


def test_sample_dataset_is_a_dataset(dataset: Dataset) -> None:
    assert open_dataset(dataset.root) == dataset

"""Every request that the verbs send: golden files, the service's own model, AWS's sample notebook.

A new case is a new file in tests/data/requests: `operation`, `settings` of the dataclass that the
builder takes, and the `request` that must come out.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import TUNABLE
from jobs.contract.instances import GPU_INSTANCES, has_own_disk
from jobs.contract.log_lines import validation_lines
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import (
    Answers,
    Package,
    ServedModel,
    Serverless,
    Serving,
    Transform,
    endpoint_config_request,
    endpoint_request,
    group_request,
    model_request,
    package_request,
    transform_request,
)
from jobs.contract.training_request import (
    ManagedMlflow,
    Network,
    Spot,
    TrainingJob,
    disk_key_member,
    training_request,
    validates_on_train,
)
from jobs.contract.tuning_request import Tuning, parameter_ranges, tuning_request
from jobs.tuning.options import OBJECTIVES

CASES = sorted((Path(__file__).parents[1] / "data" / "requests").glob("*.json"))
BUILDERS: dict[str, Any] = {
    "CreateTrainingJob": lambda settings: training_request(training_job(settings)),
    "CreateHyperParameterTuningJob": lambda settings: tuning_request(tuning(settings)),
    "CreateModel": lambda settings: model_request(ServedModel(**with_network(settings))),
    "CreateModelPackageGroup": lambda settings: group_request(**settings),
    "CreateModelPackage": lambda settings: package_request(Package(**settings)),
    "CreateEndpointConfig": lambda settings: endpoint_config_request(serving(settings)),
    "CreateEndpoint": lambda settings: endpoint_request(Serving(**settings)),
    "CreateTransformJob": lambda settings: transform_request(Transform(**settings)),
}
JOB = TrainingJob(
    name="cars",
    image="811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
    role="arn:aws:iam::123456789012:role/SageMaker",
    data_uri="s3://bucket/cars",
    output_uri="s3://bucket/cars/output",
    instance_type="ml.p3.2xlarge",
    volume_gb=30,
    max_runtime_seconds=3600,
    hyperparameters={"num_classes": "2", "num_training_samples": "16", "learning_rate": "0.01"},
)


def with_network(settings: dict[str, Any]) -> dict[str, Any]:
    network = settings.get("network", {})
    made = Network(tuple(network.get("subnets", ())), tuple(network.get("security_groups", ())), "isolated" in network)
    return {**settings, "network": made}


def training_job(settings: dict[str, Any]) -> TrainingJob:
    spot = Spot(**settings["spot"]) if "spot" in settings else None
    mlflow = ManagedMlflow(**settings["mlflow"]) if "mlflow" in settings else None
    return TrainingJob(**{**with_network(settings), "spot": spot, "mlflow": mlflow})


def serving(settings: dict[str, Any]) -> Serving:
    parts = {"serverless": Serverless, "answers": Answers}
    return Serving(**{name: parts[name](**given) if name in parts else given for name, given in settings.items()})


def tuning(settings: dict[str, Any]) -> Tuning:
    ranges = {
        name: Tunable(**{**given, "choices": tuple(given.get("choices", ()))})
        for name, given in settings["ranges"].items()
    }
    return Tuning(**{**settings, "training": training_job(settings["training"]), "ranges": ranges})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_settings_give_the_golden_request_which_the_service_would_take(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    request = BUILDERS[case["operation"]](case["settings"])
    assert request == case["request"]
    check_request("sagemaker", case["operation"], request)


def test_every_operation_has_a_case() -> None:
    assert {json.loads(path.read_text(encoding="utf-8"))["operation"] for path in CASES} == set(BUILDERS)


def test_the_sample_notebooks_configuration_gives_what_its_sdk_sends() -> None:
    """aws/amazon-sagemaker-examples, semantic_segmentation_pascalvoc.ipynb: values as the SDK puts
    them on the wire (every hyperparameter through `str`), channels as the notebook names them."""

    def source(channel: str, content_type: str) -> dict[str, Any]:
        place = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://bucket/semantic-segmentation/{channel}",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": channel, "DataSource": {"S3DataSource": place}, "ContentType": content_type}

    sdk: dict[str, Any] = {
        "HyperParameters": {
            "backbone": "resnet-50",
            "algorithm": "fcn",
            "use_pretrained_model": "True",
            "crop_size": "240",
            "num_classes": "21",
            "epochs": "10",
            "learning_rate": "0.0001",
            "optimizer": "rmsprop",
            "lr_scheduler": "poly",
            "mini_batch_size": "16",
            "validation_mini_batch_size": "16",
            "early_stopping": "True",
            "early_stopping_patience": "2",
            "early_stopping_min_epochs": "10",
            "num_training_samples": "1464",
        },
        "InputDataConfig": [
            source("train", "image/jpeg"),
            source("validation", "image/jpeg"),
            source("train_annotation", "image/png"),
            source("validation_annotation", "image/png"),
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/semantic-segmentation/output"},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 360000},
    }
    job = replace(
        JOB,
        data_uri="s3://bucket/semantic-segmentation",
        output_uri="s3://bucket/semantic-segmentation/output",
        volume_gb=50,
        max_runtime_seconds=360000,
        hyperparameters=sdk["HyperParameters"],
    )
    ours = training_request(job)
    for channel in ours["InputDataConfig"]:
        place = channel["DataSource"]["S3DataSource"]
        assert place["S3Uri"].endswith("/")  # the notebook's …/train also matches …/train_annotation
        place["S3Uri"] = place["S3Uri"].rstrip("/")
        assert (channel.pop("CompressionType"), channel.pop("RecordWrapperType")) == ("None", "None")  # the defaults
        assert channel.pop("InputMode") == ours["AlgorithmSpecification"]["TrainingInputMode"] == "File"
    assert {name: ours[name] for name in sdk} == sdk


@pytest.mark.parametrize("instance_type", GPU_INSTANCES)
def test_a_volume_key_goes_only_where_there_is_a_volume(instance_type: str) -> None:
    request = training_request(replace(JOB, instance_type=instance_type, kms_key="alias/cars"))
    own_disk = instance_type.startswith(("ml.g4dn", "ml.g5", "ml.p3dn"))
    assert ("VolumeKmsKeyId" in request["ResourceConfig"]) is not own_disk
    assert request["OutputDataConfig"]["KmsKeyId"] == "alias/cars"
    check_request("sagemaker", "CreateTrainingJob", request)


def test_scores_of_the_training_images_are_recognised_in_the_request() -> None:
    on_train = training_request(replace(JOB, validate_on="train"))
    uris = {c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3Uri"] for c in on_train["InputDataConfig"]}
    assert uris["validation"] == uris["train"] == "s3://bucket/cars/train/"
    assert uris["validation_annotation"] == uris["train_annotation"] == "s3://bucket/cars/train_annotation/"
    assert validates_on_train(on_train)
    assert not validates_on_train(training_request(JOB))
    assert validates_on_train(training_request(replace(JOB, validate_on="train", augmented=True)))
    assert not validates_on_train(training_request(replace(JOB, augmented=True)))


def test_what_is_tuned_is_not_static() -> None:
    request = tuning_request(Tuning("cars", JOB, TUNABLE))
    definition = request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"] == {"num_classes": "2", "num_training_samples": "16"}
    check_request("sagemaker", "CreateHyperParameterTuningJob", request)


def test_an_image_of_our_own_says_where_its_metrics_stand() -> None:
    definition = tuning_request(Tuning("cars", replace(JOB, image="sageseg:local"), TUNABLE))["TrainingJobDefinition"]
    metrics = {one["Name"]: one["Regex"] for one in definition["AlgorithmSpecification"]["MetricDefinitions"]}
    log = "\n".join(validation_lines(0, 0.9, 0.75, 50.0))
    assert [re.findall(metrics[objective], log) for objective in OBJECTIVES] == [["0.75"], ["0.9"]]


def test_the_documented_ranges_are_the_default_ones() -> None:
    assert parameter_ranges(TUNABLE) == {
        "ContinuousParameterRanges": [
            {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
            {"Name": "momentum", "MinValue": "0.9", "MaxValue": "0.999", "ScalingType": "Linear"},
            {"Name": "weight_decay", "MinValue": "1e-05", "MaxValue": "0.001", "ScalingType": "Logarithmic"},
        ],
        "IntegerParameterRanges": [
            {"Name": "mini_batch_size", "MinValue": "1", "MaxValue": "128", "ScalingType": "Linear"}
        ],
        "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam"]}],
    }


@pytest.mark.parametrize(
    ("name", "tunable", "message"),
    [
        ("epochs", Tunable(1, 100), "--range epochs: more epochs nearly always score higher"),
        ("lr", Tunable(0.1, 1), "--range lr: no such hyperparameter; expected one of mini_batch_size, learning_rate"),
        ("crop_size", Tunable(240, 512), "--range crop_size: not tunable"),
        ("learning_rate", Tunable(0, 1), r"--range learning_rate=0:1: expected two numbers in \(0, 1\]"),
        ("learning_rate", Tunable(0.1, 0.01), "the smaller first"),
        ("learning_rate", Tunable(float("nan"), 0.1), r"--range learning_rate=nan:0.1: expected two numbers"),
        ("mini_batch_size", Tunable(1.5, 8), "expected two whole numbers at least 1"),
        ("mini_batch_size", Tunable(1, float("inf")), "expected two whole numbers at least 1"),
        (
            "optimizer",
            Tunable(choices=("sgd", "adadelta")),
            "optimizer=sgd,adadelta: expected two or more values from adam",
        ),
        ("optimizer", Tunable(choices=("adam",)), "--range optimizer=adam: expected two or more values from adam"),
        ("optimizer", Tunable(0, 1), "--range optimizer: expected two or more values from"),
    ],
)
def test_ranges_that_the_hyperparameter_does_not_allow_are_refused(name: str, tunable: Tunable, message: str) -> None:
    with pytest.raises(SagesegError, match=message):
        tuning_request(Tuning("cars", JOB, {name: tunable}))


@given(st.floats(1e-6, 0.4), st.floats(0.5, 1.0))
def test_a_range_keeps_its_bounds_on_the_wire(low: float, high: float) -> None:
    (only,) = parameter_ranges({"learning_rate": Tunable(low, high)})["ContinuousParameterRanges"]
    assert float(only["MinValue"]) == pytest.approx(low, rel=1e-11)
    assert float(only["MaxValue"]) == pytest.approx(high, rel=1e-11)


@pytest.mark.parametrize(
    ("family", "has_disk"),
    [
        *dict.fromkeys(
            ["r5d", "m5dn", "c6id", "r6gd", "p3dn", "p4d", "p4de", "p5", "p5en", "p6-b200", "g4dn"], True
        ).items(),
        *dict.fromkeys(["g5", "g6", "g6e", "g7e", "gr6", "trn1", "trn1n", "trn2", "i3en"], True).items(),
        *dict.fromkeys(
            ["c4", "c5", "c5n", "c7i-flex", "m5", "r5", "r8i-flex", "t3", "p2", "p3", "inf1", "inf2"], False
        ).items(),
    ],
)
def test_instances_with_a_disk_of_their_own_take_no_key_for_it(family: str, has_disk: bool) -> None:
    assert (disk_key_member("VolumeKmsKeyId", "key", f"ml.{family}.xlarge") == {}) is has_disk


def test_documented_disks_are_among_those() -> None:
    assert {kind for kind, gpus in GPU_INSTANCES.items() if gpus.storage_gb} == set(filter(has_own_disk, GPU_INSTANCES))

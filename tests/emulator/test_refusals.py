"""What the emulator refuses: with the protocol's own errors, and it lives on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobs.contract.registry import builtin_image
from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.images import image_rules
from jobs.emulator.server import MAX_BODY_BYTES, running_server
from tests.support.emulator_setup import HYPERPARAMETERS, client, programs, request
from tests.support.signed_requests import signed

DESCRIBE = "SageMaker.DescribeTrainingJob"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all refusals: each test also shows that it outlived the ones before."""
    folder = tmp_path_factory.mktemp("emulator")
    with running_server(folder / "home", programs=programs(folder)) as server:
        yield server.url


@pytest.fixture
def sagemaker(url: str) -> Iterator[Any]:
    with client("sagemaker", url) as made:
        yield made


def send(
    url: str, body: bytes, target: str = DESCRIBE, method: str = "POST", path: str = "/", **headers: str
) -> tuple[int, str, Message]:
    """The (status, error code, headers) of a raw request, which is signed."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(method, path, body, signed(url, method, path, body, {"X-Amz-Target": target, **headers}))
        response = connection.getresponse()
        content = json.loads(response.read())
        return response.status, content.get("__type", ""), response.headers
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"TrainingJobName": ', "SerializationException"),
        (b"\xff\xfe", "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b'["job"]', "SerializationException"),
        (b'{"TrainingJobName": NaN}', "SerializationException"),
        (b'{"TrainingJobName": "\\ud800"}', "SerializationException"),
        (b'{"TrainingJobName": 7}', "SerializationException"),
        (b"{}", "ValidationException"),
        (b"", "ValidationException"),
        (b'{"TrainingJobName": "no such job"}', "ValidationException"),
        (b'{"TrainingJobName": "absent", "Nmae": 1}', "ValidationException"),
    ],
    ids=[
        "cut short",
        "no UTF-8",
        "nested without end",
        "a list",
        "no number of JSON",
        "half a character",
        "a number for a name",
        "a member missing",
        "empty",
        "a bad name",
        "an unknown member",
    ],
)
def test_bodies_that_are_no_request(url: str, body: bytes, code: str) -> None:
    status, given, headers = send(url, body)
    assert (status, given) == (400, code)
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert headers["x-amzn-RequestId"]


@pytest.mark.parametrize(
    "target", ["", "SageMaker", "SageMaker.MakeCoffee", "Logs.GetLogEvents", "SageMaker.CreateDomain", "Ä.Ö"]
)
def test_targets_that_are_no_operation(url: str, target: str) -> None:
    assert send(url, b"{}", target.encode("utf-8").decode("latin-1"))[:2] == (400, "UnknownOperationException")


def test_other_routes(url: str) -> None:
    assert send(url, b"{}", path="/endpoints")[:2] == (404, "UnknownOperationException")
    assert send(url, b"", method="GET")[:2] == (404, "UnknownOperationException")


def test_a_body_over_the_limit(url: str) -> None:
    assert send(url, b" " * (2**20 + 1))[:2] == (413, "RequestEntityTooLargeException")


def test_a_body_that_claims_to_be_enormous_is_not_read(url: str) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_client_that_goes_away(url: str, sagemaker: Any) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"{")
    connection.close()
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_another_host_name(url: str) -> None:
    assert send(url, b"{}", Host="attacker.example:80")[:2] == (403, "AccessDeniedException")


def test_names_that_are_not_there(sagemaker: Any) -> None:
    for call in (sagemaker.describe_training_job, sagemaker.stop_training_job):
        with pytest.raises(
            sagemaker.exceptions.ClientError, match=r"ValidationException.*Requested resource not found\."
        ):
            call(TrainingJobName="absent")
    with pytest.raises(sagemaker.exceptions.ClientError, match="Requested resource not found"):
        sagemaker.list_tags(ResourceArn="arn:aws:sagemaker:us-east-1:123456789012:training-job/absent")


Change = Callable[[dict[str, Any], Path], None]


def _set(*path: Any) -> Change:
    """Set what lies at a path in the request: names and indexes, then the value."""

    def change(asked: dict[str, Any], _: Path) -> None:
        *inner, last, value = path
        place: Any = asked
        for name in inner:
            place = place[name]
        place[last] = value

    return change


def _remove_channel(asked: dict[str, Any], _: Path) -> None:
    asked["InputDataConfig"] = asked["InputDataConfig"][:1]


def _as_file(asked: dict[str, Any], folder: Path) -> None:
    (folder / "occupied").write_text("")
    asked["OutputDataConfig"]["S3OutputPath"] = (folder / "occupied").as_uri()


def _absent_data(asked: dict[str, Any], folder: Path) -> None:
    _set("InputDataConfig", 1, "DataSource", "S3DataSource", "S3Uri", (folder / "absent").as_uri())(asked, folder)


COUNTED = {"InstanceType": "ml.m5.large", "InstanceCount": 1}


def _spot_list(asked: dict[str, Any], _: Path) -> None:
    limits = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900}
    asked |= {"EnableManagedSpotTraining": True, "StoppingCondition": limits}
    asked["ResourceConfig"] = _listing("ml.m5.large", "ml.c5.xlarge")


def _listing(*kinds: str) -> dict[str, Any]:
    return {"InstanceCount": 1, "VolumeSizeInGB": 10, "InstancePreferences": [{"InstanceType": k} for k in kinds]}


S3_SOURCE = ("InputDataConfig", 0, "DataSource", "S3DataSource")
OPEN_REFUSALS: dict[str, tuple[Change, str]] = {
    "enum": (
        _set("ResourceConfig", "InstanceType", "ml.bogus.xlarge"),
        r"1 validation error detected: Value 'ml\.bogus\.xlarge' at 'resourceConfig\.instanceType' failed to satisfy "
        r"constraint: Member must satisfy enum value set: \[ml\.m4\.xlarge, ",
    ),
    "pattern": (_set("TrainingJobName", "a_b"), "Value 'a_b' at 'trainingJobName' failed"),
    "no image": (
        _set("AlgorithmSpecification", {"TrainingInputMode": "File"}),
        "'algorithmSpecification.trainingImage'",
    ),
    "no resources": (_set("ResourceConfig", {}), "3 validation errors detected: Value null at 'resourceConfig.inst"),
    "foreign image": (
        _set("AlgorithmSpecification", "TrainingImage", "alpine:3"),
        "TrainingImage 'alpine:3' cannot run",
    ),
    "absent data": (_absent_data, "Channel validation: file:///.*absent: no folder there"),
    "relative data": (_set(*S3_SOURCE, "S3Uri", "file://data/train"), "regular expression pattern"),
    "name too long": (
        _set(*S3_SOURCE, "S3Uri", "file:///" + "a" * 300),
        "Channel train: file:///a*: File name too long",
    ),
    "no name of a file": (_set("OutputDataConfig", "S3OutputPath", "file:///a%00b"), "not a place of this machine"),
    "output is a file": (_as_file, "occupied is no folder that can be written to"),
    "two machines": (_set("ResourceConfig", "InstanceCount", 2), "InstanceCount other than 1 is not emulated"),
    "list and type": (
        _set("ResourceConfig", "InstancePreferences", [{"InstanceType": "ml.m5.large"}]),
        "InstancePreferences and InstanceType are mutually exclusive",
    ),
    "list and spot": (_spot_list, "InstancePreferences and EnableManagedSpotTraining are mutually exclusive"),
    "type twice in a list": (
        _set("ResourceConfig", _listing("ml.g5.xlarge", "ml.m5.large", "ml.g5.xlarge")),
        r"InstancePreferences: ml\.g5\.xlarge is given twice",
    ),
    "six in a list": (
        _set("ResourceConfig", _listing(*(f"ml.m5.{size}xlarge" for size in ("", 2, 4, 12, 24)), "ml.m5.large")),
        "Member must have length less than or equal to 5",
    ),
    "counts in a list": (
        _set("ResourceConfig", _listing("ml.m5.large") | {"InstancePreferences": [COUNTED]}),
        "InstancePreferences with InstanceCount is not emulated",
    ),
    "chosen already": (
        _set("ResourceConfig", _listing("ml.m5.large") | {"SelectedInstanceType": "ml.m5.large"}),
        "SelectedInstanceType is read-only",
    ),
    "pipe": (_set("InputDataConfig", 0, "InputMode", "Pipe"), "Channel train in Pipe mode is not emulated"),
    "manifest": (_set(*S3_SOURCE, "S3DataType", "ManifestFile"), "Channel train with S3DataType ManifestFile is not"),
    "escaping channel": (_set("InputDataConfig", 0, "ChannelName", ".."), r"Channel name '\.\.' is not emulated"),
    "channel twice": (_set("InputDataConfig", 0, "ChannelName", "validation"), "Channel validation is given twice"),
    "own program": (
        _set("AlgorithmSpecification", "ContainerEntrypoint", ["sh"]),
        "ContainerEntrypoint is not emulated",
    ),
    "waiting": (
        _set("StoppingCondition", "MaxWaitTimeInSeconds", 700),
        "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
    ),
    "spot without waiting": (
        _set("EnableManagedSpotTraining", True),
        "MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
    ),
    "checkpoints elsewhere": (
        _set("CheckpointConfig", {"S3Uri": "file:///checkpoints", "LocalPath": "/etc"}),
        "CheckpointConfig.LocalPath other than /opt/ml/checkpoints is not emulated",
    ),
    "bad regex": (
        _set("AlgorithmSpecification", "MetricDefinitions", [{"Name": "a", "Regex": "("}]),
        r"MetricDefinitions a: '\(' is no regex",
    ),
    "regex without a value": (
        _set("AlgorithmSpecification", "MetricDefinitions", [{"Name": "a", "Regex": "loss"}]),
        "MetricDefinitions a: 'loss' has no group for the value",
    ),
    "loader": (_set("Environment", {"LD_PRELOAD": "x.so"}), "Environment variable LD_PRELOAD, which decides"),
    "hyperparameter": (
        _set("HyperParameters", HYPERPARAMETERS | {"epochs": "0"}),
        "hyperparameter epochs is '0'; expected a whole number at least 1",
    ),
}


@pytest.mark.parametrize("case", OPEN_REFUSALS)
def test_training_requests_that_are_refused(sagemaker: Any, tmp_path: Path, case: str) -> None:
    change, text = OPEN_REFUSALS[case]
    asked = request(tmp_path)
    change(asked, tmp_path)
    with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
        sagemaker.create_training_job(**asked)
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


BUILTIN_REFUSALS: dict[str, tuple[Change, str]] = {
    "cpu": (
        _set("ResourceConfig", "InstanceType", "ml.m5.large"),
        "Instance type ml.m5.large is not supported by algorithm semantic-segmentation; "
        "only GPU instances are supported.",
    ),
    "another gpu": (_set("ResourceConfig", "InstanceType", "ml.p5.48xlarge"), "documented are P2, P3, G4dn and G5"),
    "cpu in a list": (
        _set("ResourceConfig", _listing("ml.g5.2xlarge", "ml.m5.large")),
        "Instance type ml.m5.large is not supported by algorithm semantic-segmentation",
    ),
    "unet": (_set("HyperParameters", "algorithm", "unet"), "not part of the built-in algorithm"),
    "channel missing": (_remove_channel, "Channel validation is missing"),
    "metrics": (
        _set("AlgorithmSpecification", "MetricDefinitions", [{"Name": "a", "Regex": "b"}]),
        "You can't override the metric definitions for Amazon SageMaker algorithms",
    ),
}


@pytest.mark.parametrize("case", BUILTIN_REFUSALS)
def test_requests_that_only_the_built_in_refuses(sagemaker: Any, tmp_path: Path, case: str) -> None:
    change, text = BUILTIN_REFUSALS[case]
    asked = request(tmp_path)
    asked["AlgorithmSpecification"]["TrainingImage"] = builtin_image("us-east-1")
    asked["ResourceConfig"]["InstanceType"] = "ml.p3.2xlarge"
    change(asked, tmp_path)
    with pytest.raises(sagemaker.exceptions.ClientError, match=text):
        sagemaker.create_training_job(**asked)


@pytest.mark.parametrize(
    ("image", "rules"),
    [
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1", "builtin"),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:latest", "builtin"),
        ("390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/semantic-segmentation:1", "builtin"),
        ("sageseg:local", "open"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/sageseg:0.1.0", "open"),
    ],
)
def test_images_that_run(image: str, rules: str) -> None:
    assert image_rules(image) == rules


@pytest.mark.parametrize(
    "image",
    [
        "sageseg",
        "notsageseg:local",
        "sageseg:local extra",
        "semantic-segmentation:1",
        "111111111111.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
        "811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:2",
    ],
)
def test_images_that_do_not_run(image: str) -> None:
    with pytest.raises(ServiceError, match="cannot run here"):
        image_rules(image)

"""Requests against botocore's service model: AWS's words for what AWS would refuse."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.contract.service_model import check_request, compile_pattern, find_violations, load_service
from jobs.contract.training_request import TrainingJob, training_request

GOOD = training_request(
    TrainingJob(
        name="fcn-1",
        image="811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
        role="arn:aws:iam::123456789012:role/SageMaker",
        data_uri="s3://bucket/data",
        output_uri="s3://bucket/out",
        instance_type="ml.p3.2xlarge",
        volume_gb=30,
        max_runtime_seconds=3600,
        hyperparameters={"num_classes": "2", "num_training_samples": "4"},
        tags={"größe": "klein"},
    )
)


def found(request: dict[str, Any], *, file_uris: bool = False) -> list[str]:
    violations = find_violations("sagemaker", "CreateTrainingJob", request, file_uris=file_uris)
    return [violation.message for violation in violations]


def test_our_own_request_is_accepted() -> None:
    check_request("sagemaker", "CreateTrainingJob", GOOD)


def failed(value: str, path: str, rule: str) -> str:
    return f"Value {value} at '{path}' failed to satisfy constraint: {rule}"


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "pattern": (
        {"TrainingJobName": "a_b"},
        failed(
            "'a_b'",
            "trainingJobName",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
    ),
    "missing": ({"RoleArn": None}, failed("null", "roleArn", "Member must not be null")),
    "missing inside": (
        {"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c"}]},
        failed("null", "tags.2.member.value", "Member must not be null"),
    ),
    "unicode pattern": (
        {"Tags": [{"Key": "#", "Value": ""}]},
        failed(
            "'#'",
            "tags.1.member.key",
            r"Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
        ),
    ),
    "range": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
        failed("'0'", "stoppingCondition.maxRuntimeInSeconds", "Member must have value greater than or equal to 1"),
    ),
    "empty list": (
        {"InputDataConfig": []},
        failed("'[]'", "inputDataConfig", "Member must have length greater than or equal to 1"),
    ),
    "long list": (
        {"AlgorithmSpecification": {"TrainingInputMode": "File", "ContainerArguments": ["a"] * 101}},
        failed(
            f"'[{', '.join('a' * 101)}]'",
            "algorithmSpecification.containerArguments",
            "Member must have length less than or equal to 100",
        ),
    ),
    "plain list": (
        {"VpcConfig": {"SecurityGroupIds": ["a b"], "Subnets": ["c"]}},
        failed(
            "'[a b]'",
            "vpcConfig.securityGroupIds",
            "Member must satisfy constraint: [Member must have length less than or equal to 32, "
            "Member must have length greater than or equal to 0, "
            "Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]",
        ),
    ),
    # this and the next as in aws/sagemaker-python-sdk issues 314 and 6016, with the limits of today
    "map value": (
        {"HyperParameters": {"a": "1", "b": "x\n"}},
        failed(
            "'{a=1, b=x\n}'",
            "hyperParameters",
            "Map value must satisfy constraint: [Member must have length less than or equal to 2500, "
            "Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: .*]",
        ),
    ),
    "large map": (
        {"HyperParameters": {f"k{number}": "" for number in range(101)}},
        failed(
            "'{" + ", ".join(f"k{number}=" for number in range(101)) + "}'",
            "hyperParameters",
            "Member must have length less than or equal to 100",
        ),
    ),
    "file uri": (
        {"OutputDataConfig": {"S3OutputPath": "file:///out"}},
        failed(
            "'file:///out'",
            "outputDataConfig.s3OutputPath",
            "Member must satisfy regular expression pattern: (https|s3)://([^/]+)/?(.*)",
        ),
    ),
    "string for number": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": "9"}},
        "STRING_VALUE can not be converted to an Integer",
    ),
    "bool for number": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": True}},
        "TRUE_VALUE can not be converted to an Integer",
    ),
    "huge number": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 2**31}},
        "NUMBER_VALUE can not be converted to an Integer",
    ),
    "number in map": ({"HyperParameters": {"epochs": 3}}, "NUMBER_VALUE can not be converted to a String"),
    "list for map": ({"HyperParameters": []}, "Expected map or null"),
    "map for string": ({"TrainingJobName": {}}, "Start of structure or map found where not expected."),
}


@pytest.mark.parametrize("case", CASES)
def test_one_violation_in_the_words_of_aws(case: str) -> None:
    change, message = CASES[case]
    assert found(GOOD | change) == [message]


def test_an_enum_lists_its_values() -> None:
    (message,) = found(GOOD | {"ResourceConfig": {"InstanceType": "ml.bogus.xlarge"}})
    start = "Value 'ml.bogus.xlarge' at 'resourceConfig.instanceType' failed to satisfy constraint: "
    assert message.startswith(start + "Member must satisfy enum value set: [ml.m4.xlarge, ")
    assert ", ml.p3.2xlarge, " in message


def test_a_misspelt_member_is_named_with_those_there_are() -> None:
    (message,) = found(GOOD | {"OutputDataConfig": {"S3OutputPath": "s3://b", "S3OutputPaht": ""}})
    assert message == (
        'Unknown parameter in outputDataConfig: "S3OutputPaht", must be one of: KmsKeyId, S3OutputPath, CompressionType'
    )


def test_all_violations_are_counted() -> None:
    with pytest.raises(
        SagesegError, match=r"CreateTrainingJob: 2 validation errors detected: Value null at 'roleArn' .*; Value 'a_b'"
    ):
        check_request("sagemaker", "CreateTrainingJob", GOOD | {"TrainingJobName": "a_b", "RoleArn": None})


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("file:///data", True),
        ("s3://b/k", True),
        ("file://host/data", False),
        ("file:/data", False),
        ("ftp://b", False),
    ],
)
def test_only_absolute_file_uris_are_let_through(uri: str, accepted: bool) -> None:
    assert (found(GOOD | {"OutputDataConfig": {"S3OutputPath": uri}}, file_uris=True) == []) is accepted


def test_only_where_the_model_asks_for_s3() -> None:
    assert found(GOOD | {"TrainingJobName": "file:///data"}, file_uris=True)


def test_times_are_numbers_on_the_wire_and_datetimes_before() -> None:
    for good in (1.5, 2, datetime.now(UTC)):
        assert not find_violations("sagemaker", "ListTrainingJobs", {"CreationTimeAfter": good})
    for bad in ("yesterday", True, 1e300, float("inf"), float("nan")):
        assert find_violations("sagemaker", "ListTrainingJobs", {"CreationTimeAfter": bad})


@pytest.mark.parametrize("service", ["sagemaker", "logs"])
def test_every_pattern_of_the_model_compiles(service: str) -> None:
    model = load_service(service)
    for name in model.shape_names:
        compile_pattern(model.shape_for(name).metadata.get("pattern", ""))


def test_java_writes_characters_beyond_two_bytes_as_pairs() -> None:
    assert compile_pattern(r"[\u0020-\uD7FF\uD800\uDC00-\uDBFF\uDFFF]*").fullmatch("a😀")
    assert not compile_pattern(r"[\u0020-\uD7FF]*").fullmatch("a😀")


@given(st.from_regex(r"[a-zA-Z0-9-]{0,70}\Z") | st.text(max_size=70))
def test_a_name_is_accepted_exactly_when_it_has_the_documented_form(name: str) -> None:
    documented = len(name) <= 63 and re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?", name) is not None
    assert (found(GOOD | {"TrainingJobName": name}) == []) is documented

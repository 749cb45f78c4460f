"""Answers in the place of AWS's, with status 200: a portal's, a broken proxy's, another program's."""

from __future__ import annotations

from typing import Any

import pytest

from aws.answers import AnswerParsers
from aws.errors import AwsError
from formats.errors import SagesegError
from jobs.contract.service_model import load_service

PAGE = b"<html><body>Welcome to the hotel</body></html>"
JOB = b'{"TrainingJobName": "cars", "TrainingJobStatus": "Completed", "CreationTime": 1764000000.5}'


def parsed(body: bytes, operation: str = "DescribeTrainingJob", service: str = "sagemaker", **more: Any) -> Any:
    protocol = {"sts": "query", "s3": "rest-xml"}.get(service, "json")
    shape = load_service(service).operation_model(operation).output_shape
    answer = {"status_code": 200, "headers": {}, "body": body, **more}
    return AnswerParsers().create_parser(protocol).parse(answer, shape)


def test_aws_answer_is_read_as_botocore_reads_it() -> None:
    answer = parsed(JOB)
    assert answer["TrainingJobStatus"] == "Completed"
    assert answer["CreationTime"].year == 2025
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("body", [b"{}", b"", b'{"error": "please sign in"}', b'{"TrainingJobStatus": null}', PAGE])
def test_what_an_answer_lacks_is_told_where_it_is_asked_for(body: bytes) -> None:
    with pytest.raises(SagesegError, match="TrainingJobStatus is missing; what answered may not be AWS: look at"):
        parsed(body)["TrainingJobStatus"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"TrainingJobStatus": 7}', "TrainingJobStatus is 7; expected a string"),
        (b'{"CreationTime": "soon"}', "cannot be read"),
        (b'{"CreationTime": 1e300}', "cannot be read"),
        (b'{"HyperParameters": {"epochs": 3}}', "HyperParameters.epochs is 3; expected a string"),
        (b'{"HyperParameters": "no"}', "cannot be read"),
        (b'{"SecondaryStatusTransitions": 5}', "cannot be read"),
        (b'{"BillableTimeInSeconds": 1e999}', "BillableTimeInSeconds is inf"),
        (b'{"ResourceConfig": []}', "cannot be read"),
        (b'{"EnableNetworkIsolation": "yes"}', "expected a boolean"),
    ],
)
def test_what_is_of_another_kind_is_one_line(body: bytes, told: str) -> None:
    with pytest.raises(AwsError) as raised:
        parsed(body)
    assert told in str(raised.value)
    assert "look at the network, HTTPS_PROXY and AWS_ENDPOINT_URL" in str(raised.value)


@pytest.mark.parametrize(
    ("body", "operation", "service"),
    [
        (PAGE[:20], "GetCallerIdentity", "sts"),
        (b"<ListBucketResult><Contents><Size>much</Size></Contents></ListBucketResult>", "ListObjectsV2", "s3"),
        (b"<a><Contents><LastModified>never</LastModified></Contents></a>", "ListObjectsV2", "s3"),
        (b"not even XML", "ListObjectsV2", "s3"),
    ],
)
def test_xml_too(body: bytes, operation: str, service: str) -> None:
    with pytest.raises(AwsError, match="cannot be read"):
        parsed(body, operation, service)


def test_a_failing_server_stays_with_botocore_which_tries_again() -> None:
    answer = parsed(b"<a>", "ListObjectsV2", "s3", status_code=503)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert answer["Error"]["Code"]

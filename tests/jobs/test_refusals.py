"""What AWS says when it refuses: one line, the next step, no secret; and going on to the next type."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ConfigParseError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from typer.testing import CliRunner

from aws.clients import aws_errors, configured_region, make_client
from aws.errors import AwsError, explain, is_about_capacity, is_about_instance, is_missing
from formats.errors import SagesegError
from formats.texts.redaction import redact
from jobs.contract.training_request import TrainingJob
from jobs.cost.prices import Rate
from jobs.cost.quotes import TrainingQuote
from jobs.tracking.job_calls import JobFailedError
from jobs.tracking.records import JobRecord
from jobs.training.plan import Attempt
from jobs.training.start import run_attempts
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from sageseg.cli import app
from tests.support.aws_setup import SECRET, TOKEN
from tests.support.prep_samples import make_source

QUOTA = (
    "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current utilization "
    "of 0 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase."
)
CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


@pytest.mark.parametrize(
    ("code", "reason", "step"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", "credentials have expired"),
        ("ExpiredToken", "The provided token has expired.", "aws sso login"),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", "aws sso login"),
        ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", "aws configure"),
        ("ResourceLimitExceeded", QUOTA, "Service Quotas"),
        ("ThrottlingException", "Rate exceeded", "wait a minute and run it again"),
        (
            "ValidationException",
            "Could not assume role arn:aws:iam::1:role/x. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
            "let sagemaker.amazonaws.com assume it",
        ),
        (
            "ResourceInUse",
            "Training job names must be unique within an AWS account and region",
            "choose another --name",
        ),
        (
            "AccessDeniedException",
            "User is not authorized to perform: sagemaker:CreateTrainingJob",
            "ask for the IAM permission",
        ),
        ("NoSuchBucket", "The specified bucket does not exist", "create the bucket"),
        ("ValidationException", "Requested resource not found.", "sageseg jobs list"),
    ],
)
def test_what_aws_refuses_is_one_line_with_the_next_step(code: str, reason: str, step: str) -> None:
    with (
        pytest.raises(AwsError, match=rf"creating the job: {code}: .*{step}") as caught,
        aws_errors("creating the job"),
    ):
        raise ClientError({"Error": {"Code": code, "Message": reason}}, "CreateTrainingJob")
    assert "\n" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).code == code  # noqa: S301 (it comes from worker processes)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "no AWS credentials; run aws configure"),
        (
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY; set what is missing",
        ),
        (ConfigParseError(path="/home/a/.aws/config"), "/home/a/.aws/config; correct that file"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://x"), "check the network and run the same command again"),
        (ConnectTimeoutError(endpoint_url="https://x"), "check the network"),
        (ProfileNotFound(profile="work"), r"work"),
    ],
)
def test_what_keeps_a_request_from_arriving_is_one_line(error: Exception, message: str) -> None:
    with pytest.raises(SagesegError, match=f"uploading: .*{message}"), aws_errors("uploading"):
        raise error


def test_a_missing_region_names_the_ways_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(SagesegError, match="region: none configured; pass --region, or set AWS_REGION"):
        configured_region(None)
    assert configured_region("eu-west-1") == "eu-west-1"


@pytest.mark.parametrize("verb", ["train", "tune"])
def test_who_has_no_region_hears_of_this_machine(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    write_dataset(make_source(tmp_path / "labels", {"a": 1, "b": 1}), tmp_path / "d", PrepOptions(crop=64, workers=1))
    ran = CliRunner().invoke(app, ["jobs", verb, str(tmp_path / "d"), "--data", "s3://cars/one"])
    assert "none configured" in str(ran.exception)
    assert "--backend local trains on this machine, without AWS" in str(ran.exception)


def test_a_profile_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SagesegError, match="reading the AWS settings: .*nobody"):
        configured_region(None)


PAGE = (
    b"<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><h1>Sign in</h1>"
    + b"<p>The page was not found; your quota is used up.</p>" * 50
    + b"</body></html>"
)


@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize(
    ("service", "call", "given"),
    [
        ("sagemaker", "describe_training_job", {"TrainingJobName": "x"}),
        ("sts", "get_caller_identity", {}),
        ("s3", "list_objects_v2", {"Bucket": "b"}),
    ],
)
def test_a_page_in_the_place_of_an_answer_is_told_shortly(
    status: int, service: str, call: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = SimpleNamespace(stream=lambda *_, **__: iter([PAGE]))
        return AWSResponse(request.url, status, {"content-type": "text/html"}, raw)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    client = make_client(service, "us-east-1")
    client.meta.events.register("before-send", answer)
    with pytest.raises(AwsError) as e, aws_errors("asking"):
        getattr(client, call)(**given)
    line = str(e.value)
    assert "a web page in the place of AWS's answer: Sign in The page" in line
    assert "HTTPS_PROXY" in line
    assert "<" not in line
    assert len(line) < 500
    assert not is_missing(e.value)


def test_only_words_about_a_quota_lead_to_service_quotas() -> None:
    assert "Service Quotas" not in explain(
        "asking", "UnknownOperationException", "expected ServiceQuotasV20190624.List"
    )
    assert "Service Quotas" in explain("asking", "ServiceQuotaExceededException", "too many")


@pytest.mark.parametrize("url", ["localhost:4566", "http//127.0.0.1:8000"])
def test_an_endpoint_url_that_is_none_is_one_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(SagesegError, match="AWS_ENDPOINT_URL"):
        make_client("sagemaker", "us-east-1")


@pytest.mark.parametrize(
    "text",
    [
        "key AKIAIOSFODNN7EXAMPLE is not known",
        "temporary ASIAIOSFODNN7EXAMPLE",
        f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={TOKEN}&X-Amz-Signature=abc",
        f"aws_secret_access_key = {SECRET}",
        f"AWS_SESSION_TOKEN: {TOKEN}",
    ],
)
def test_secrets_do_not_survive(text: str) -> None:
    shown = redact(text)
    assert "***" in shown
    assert not any(secret in shown for secret in ("EXAMPLE", SECRET, TOKEN))
    assert not any(secret in explain("doing", "Code", text) for secret in ("EXAMPLE", SECRET, TOKEN))


def test_what_is_no_secret_is_left_alone() -> None:
    text = "arn:aws:iam::123456789012:role/SageMaker reads s3://bucket/cars with token expired"
    assert redact(text) == text


@pytest.mark.parametrize(
    ("code", "reason", "moves_on"),
    [
        ("ResourceLimitExceeded", QUOTA, True),
        (
            "ResourceLimitExceeded",
            "The requested resource training-job/ml.p3.2xlarge is not available in this region",
            True,
        ),
        ("ValidationException", "Unsupported instance type ml.p3.2xlarge", True),
        ("ValidationException", "Could not assume role arn:aws:iam::1:role/x", False),
        ("ValidationException", "No S3 objects found under S3 URL s3://ml.p3.2xlarge.bucket", False),
        ("AccessDeniedException", "not authorized for ml.p3.2xlarge", False),
        ("ThrottlingException", "Rate exceeded", False),
    ],
)
def test_only_a_quota_or_a_refusal_of_the_type_is_about_the_instance(code: str, reason: str, moves_on: bool) -> None:
    assert is_about_instance(code, reason, "ml.p3.2xlarge") is moves_on


def test_capacity_is_told_from_other_failures() -> None:
    assert is_about_capacity(CAPACITY)
    assert is_about_capacity("InternalServerError: Insufficient capacity error")
    assert not is_about_capacity("AlgorithmError: out of memory")


def attempt(number: int, instance_type: str) -> Attempt:
    name = "cars" if number == 1 else f"cars-{number}"
    job = TrainingJob(name, "image", "role", "s3://b/d", "s3://b/o", instance_type, 30, 3600, {})
    return Attempt(job, {}, TrainingQuote(instance_type, Rate(1.0 + number, "a test"), 3600))


ATTEMPTS = [attempt(1, "ml.p3.2xlarge"), attempt(2, "ml.g5.2xlarge"), attempt(3, "ml.g4dn.2xlarge")]


class Service:
    """Begins and follows jobs as told: an exception by instance type, or success."""

    def __init__(self, begins: dict[str, Exception] | None = None, follows: dict[str, Exception] | None = None) -> None:
        self.begins, self.follows, self.seen = begins or {}, follows or {}, list[str]()

    def begin(self, attempt: Attempt) -> JobRecord:
        kind = attempt.job.instance_type
        self.seen.append(f"{attempt.job.name} {kind}")
        if kind in self.begins:
            raise self.begins[kind]
        return JobRecord(attempt.job.name, "aws", "us-east-1", "", "", [], {"kind": kind})

    def follow(self, record: JobRecord) -> JobRecord:
        if record.request["kind"] in self.follows:
            raise self.follows[record.request["kind"]]
        return record


def quota(kind: str) -> AwsError:
    return AwsError("creating", "ResourceLimitExceeded", QUOTA.replace("ml.p3.2xlarge", kind))


def test_it_moves_on_after_a_quota_saying_so_with_the_new_price(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service({"ml.p3.2xlarge": quota("ml.p3.2xlarge")})
    assert run_attempts(ATTEMPTS, service.begin, service.follow).name == "cars-2"
    assert service.seen == ["cars ml.p3.2xlarge", "cars-2 ml.g5.2xlarge"]
    said = capsys.readouterr().err
    assert "refused: creating: ResourceLimitExceeded" in said
    assert "moving on to ml.g5.2xlarge as cars-2 (ml.g5.2xlarge: $3 per hour" in said


def test_it_moves_on_when_a_followed_job_finds_no_capacity() -> None:
    failed = JobFailedError("cars: Failed", CAPACITY)
    service = Service(follows={"ml.p3.2xlarge": failed, "ml.g5.2xlarge": failed})
    assert run_attempts(ATTEMPTS, service.begin, service.follow).name == "cars-3"


def test_without_following_the_first_that_starts_is_it() -> None:
    service = Service(follows={"ml.p3.2xlarge": JobFailedError("cars: Failed", CAPACITY)})
    assert run_attempts(ATTEMPTS, service.begin, None).name == "cars"


@pytest.mark.parametrize(
    "service",
    [
        Service({"ml.p3.2xlarge": AwsError("creating", "ValidationException", "Could not assume role x")}),
        Service({"ml.p3.2xlarge": AwsError("creating", "ThrottlingException", "Rate exceeded")}),
        Service({"ml.p3.2xlarge": SagesegError("no AWS credentials")}),
        Service(follows={"ml.p3.2xlarge": JobFailedError("cars: Failed", "AlgorithmError: out of memory")}),
        Service(follows={"ml.p3.2xlarge": AwsError("describing", "ResourceLimitExceeded", "of ml.p3.2xlarge")}),
    ],
)
def test_any_other_refusal_or_failure_stops(service: Any) -> None:
    with pytest.raises(SagesegError):
        run_attempts(ATTEMPTS, service.begin, service.follow)
    assert service.seen == ["cars ml.p3.2xlarge"]


def test_the_last_refusal_is_the_answer() -> None:
    service = Service({one.job.instance_type: quota(one.job.instance_type) for one in ATTEMPTS})
    with pytest.raises(AwsError, match="ml.g4dn.2xlarge for training job usage"):
        run_attempts(ATTEMPTS, service.begin, service.follow)
    assert len(service.seen) == 3

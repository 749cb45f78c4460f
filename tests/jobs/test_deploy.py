"""Deploying and deleting: what is said and asked first, what is made, what remains after a failure."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws.errors import AwsError
from aws.names import format_until, parse_until, tag_value
from formats.errors import SagesegError
from formats.images import decode_image
from jobs.contract.hyperparameters import NetworkSettings
from jobs.contract.service_model import check_request
from jobs.endpoints.container_log import last_lines
from jobs.endpoints.first_answer import find_sample
from jobs.endpoints.lease import schedule_request
from jobs.endpoints.options import DeployOptions, parse_ttl
from jobs.endpoints.plan import plan_deployment, requests_of
from jobs.endpoints.records import read_endpoint
from jobs.tracking.records import write_record
from jobs.tracking.trained_model import TrainedModel, find_model
from tests.support.aws_setup import ROLE, error_of
from tests.support.emulator_setup import wait_until
from tests.support.serving_setup import NAME, SCHEDULER_ROLE, SERVES, Served, run, served_job

NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)


def deploy(*words: str) -> Any:
    return run("deploy", NAME, *words)


def test_an_endpoint_is_quoted_made_asked_and_recorded(aws: Served) -> None:
    ran = deploy("--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE, "--max-cost", "1")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == "cars: InService\n"
    said = ran.stderr.splitlines()
    assert said[1].startswith("ml.c5.xlarge: $0.204 per hour, $4.90 per day, $148.92 per month until it is deleted")
    assert said[1].endswith("; $0.41 until its lease ends")
    assert said[2].endswith("when EventBridge Scheduler deletes the endpoint")
    assert "asked it once, car0_01.jpg: a mask of 24 × 16 pixels came back, with _background_, car" in said
    assert said[-1] == "sageseg jobs delete cars ends it"
    record = read_endpoint("cars")
    assert record is not None
    assert (record.job, record.scheduled, record.cost["usd_per_hour"]) == ("cars", True, 0.204)
    schedule = aws.scheduler().get_schedule(Name="sageseg-cars")
    assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint"
    assert json.loads(schedule["Target"]["Input"]) == {"EndpointName": "cars"}
    assert (schedule["ActionAfterCompletion"], schedule["Target"]["RoleArn"]) == ("DELETE", SCHEDULER_ROLE)
    assert schedule["ScheduleExpression"] == f"at({record.until.removesuffix('Z')})"
    sagemaker = aws.sagemaker()
    arn = sagemaker.describe_endpoint(EndpointName="cars")["EndpointArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {
        "sageseg:dataset": aws.record.dataset_sha256[:16],
        "sageseg:job": "cars",
        "sageseg:until": record.until,
    }
    model = sagemaker.describe_model(ModelName="cars")
    assert model["PrimaryContainer"]["ModelDataUrl"] == "s3://cars/one/output/cars/output/model.tar.gz"
    assert model["PrimaryContainer"]["Image"].endswith("us-east-1.amazonaws.com/semantic-segmentation:1")
    assert model["ExecutionRoleArn"] == ROLE


def test_delete_removes_all_parts(aws: Served) -> None:
    assert deploy("--yes", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE).exit_code == 0
    assert run("delete", "cars").stdout.splitlines() == [
        "endpoint cars: deleted",
        "configuration cars: deleted",
        "model cars: deleted",
        "schedule sageseg-cars: deleted",
    ]
    wait_until(lambda: not aws.endpoint())
    assert aws.left() == []
    assert read_endpoint("cars") is None


def test_delete_of_a_name_that_no_endpoint_has_says_what_has_it(aws: Served) -> None:
    """The job of the same name is all that is left; a misspelt name has nothing at all."""
    there = "no endpoint of that name on AWS in us-east-1"
    assert error_of(run("delete", "cars")).startswith(f"cars: {there}, but a training job (Completed), which costs")
    assert "sageseg jobs show cars says where its artefact lies" in error_of(run("delete", "cars"))
    said = error_of(run("delete", "carz"))
    assert said == f"carz: {there}; sageseg jobs leftovers shows those there are"


def test_what_sageseg_did_not_make_is_left_alone(aws: Served) -> None:
    sagemaker = aws.sagemaker()
    container = {
        "Image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1",
        "ModelDataUrl": aws.record.request["OutputDataConfig"]["S3OutputPath"] + "/cars/output/model.tar.gz",
    }
    sagemaker.create_model(ModelName="theirs", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "a", "ModelName": "theirs", "InstanceType": "ml.c5.xlarge", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=[variant])
    assert run("delete", "theirs").stdout.splitlines() == [
        "endpoint theirs: gone already",
        "configuration theirs: was not made by sageseg, so it is left",
        "model theirs: was not made by sageseg, so it is left",
    ]
    sagemaker.create_endpoint(EndpointName="theirs", EndpointConfigName="theirs")
    wait_until(lambda: aws.endpoint() == "InService")
    assert "endpoint theirs: was not made by sageseg" in error_of(run("delete", "theirs"))
    assert len(aws.left()) == 3
    assert run("delete", "theirs", "--force").exit_code == 0
    wait_until(lambda: aws.left() == [])


def client_error(code: str, message: str) -> Any:
    def refuse(*_: Any) -> None:
        raise AwsError("creating schedule sageseg-cars", code, message)

    return refuse


NOT_ALLOWED = "User: arn:aws:iam::1:user/me is not authorized to perform: scheduler:CreateSchedule on resource: x"
NO_ROLE = "User: arn:aws:iam::1:user/me is not authorized to perform: iam:PassRole on resource: y"
NO_TRUST = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."


@pytest.mark.parametrize(
    ("words", "refusal", "message"),
    [
        (
            (),
            None,
            r"^--ttl: nothing would end this lease: --scheduler-role .* sageseg jobs policy --scheduler makes it",
        ),
        (("--dry-run",), None, r"^--ttl: nothing would end this lease: --scheduler-role .* is missing"),
        (
            ("--scheduler-role", SCHEDULER_ROLE),
            client_error("AccessDeniedException", NOT_ALLOWED),
            r"so nothing was made: .*scheduler:CreateSchedule on resource: x; sageseg jobs policy --scheduler writes",
        ),
        (
            ("--scheduler-role", SCHEDULER_ROLE),
            client_error("AccessDeniedException", NO_ROLE),
            r"so nothing was made: .*iam:PassRole on resource: y; sageseg jobs policy --scheduler writes",
        ),
        (
            ("--scheduler-role", SCHEDULER_ROLE),
            client_error("ValidationException", NO_TRUST),
            r"assume the role; its trust policy must let scheduler\.amazonaws\.com assume it; sageseg jobs policy",
        ),
    ],
)
def test_a_lease_that_nothing_would_end_is_refused_before_anything_is_made(
    aws: Served, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], refusal: Any, message: str
) -> None:
    if refusal:
        monkeypatch.setattr("jobs.endpoints.deploy.create_schedule", refusal)
    assert re.search(message, error_of(deploy("--yes", "--ttl", "30m", *words)))
    assert aws.left() == []
    assert read_endpoint("cars") is None


def test_the_role_of_the_lease_comes_from_the_environment_too(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_SCHEDULER_ROLE", SCHEDULER_ROLE)
    printed = json.loads(deploy("--dry-run", "--ttl", "2h").stdout)
    assert printed["CreateSchedule"]["Target"]["RoleArn"] == SCHEDULER_ROLE


@pytest.mark.parametrize(
    ("plan", "message", "said"),
    [
        ({"quotas": {"ml.c5.* for endpoint usage": 0}}, "ResourceLimitExceeded.*Service Quotas, or name another", ""),
        ({"endpoints": {"*": {"capacity_error": True}}}, "Failed: Unable to provision.*name another --instance", ""),
        (
            {"endpoints": {"*": {"ping_fails": True}}},
            "Failed: The primary container .* did not pass",
            "its container logged nothing|its log",
        ),
        (
            {"endpoints": {"*": {"answers": ["model-error"] * 8}}},
            "rehearsed failure of the model.*--via artefact",
            "log",
        ),
    ],
    ids=["quota", "capacity", "ping", "model error"],
)
def test_after_a_failure_nothing_that_costs_is_left(
    aws: Served, monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], message: str, said: str
) -> None:
    monkeypatch.setattr("jobs.endpoints.invocations.sleep", lambda _: None)
    aws.rehearse(**plan)
    ran = deploy("--yes", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)
    assert re.search(message, error_of(ran)), error_of(ran)
    assert re.search(said, ran.stderr)
    if "quotas" not in plan:
        assert "sageseg jobs predict cars IMAGES_OR_DATASET --out PREDICTIONS --via artefact" in ran.stderr
    wait_until(lambda: not aws.endpoint())
    assert aws.left() == []
    assert read_endpoint("cars") is None


def test_what_cannot_be_cleaned_up_is_named_with_its_price(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    aws.rehearse(endpoints={"*": {"start_seconds": 0.5}})
    monkeypatch.setattr("jobs.endpoints.deploy.sleep", interrupt)
    ran = deploy("--yes")
    assert ran.exit_code == 130
    assert "endpoint cars may remain and costs $4.90 per day; sageseg jobs delete cars removes it" in ran.stderr
    assert "Creating, and until that is over it cannot be deleted" in error_of(run("delete", "cars"))
    wait_until(lambda: aws.endpoint() == "InService")
    assert run("delete", "cars").stdout.startswith("endpoint cars: deleted\n")


def test_credentials_that_expire_on_the_way_say_what_remains(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = AwsError("describing endpoint cars", "ExpiredTokenException", "The security token is expired")

    def refuse(*_: Any) -> None:
        raise expired

    with monkeypatch.context() as patch:
        patch.setattr("jobs.endpoints.deploy.describe_part", refuse)
        assert "the credentials have expired: sign in again" in error_of(deploy("--yes"))
        assert aws.left() == []
    monkeypatch.setattr("jobs.endpoints.deploy._follow", refuse)
    ran = deploy("--yes")
    assert "the credentials have expired: sign in again" in error_of(ran)
    assert "endpoint cars may remain and costs $4.90 per day; sageseg jobs delete cars removes it" in ran.stderr
    assert "endpoint cars" in aws.left()


def test_an_answer_that_is_no_mask_of_this_model_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = SERVES.replace("value > 125", "7 * (value > 125)")

    def written(*of: Any) -> list[str]:
        """Lines that the container wrote before it answered, which the emulator reads in a thread of its own."""
        wait_until(lambda: any(line.startswith("serving") for line in last_lines(*of)))
        return last_lines(*of)

    monkeypatch.setattr("jobs.endpoints.container_log.last_lines", written)
    with served_job(tmp_path, wrong) as aws:
        write_record(aws.record)
        ran = deploy("--yes")
        assert "the answer holds class 7, but the model has 2" in error_of(ran)
        assert "the last lines of its log (/aws/sagemaker/Endpoints/cars):\n  serving ['weights']" in ran.stderr
        wait_until(lambda: aws.left() == [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "this costs money and nobody is there to ask; add --yes"),
        (("--max-cost", "100"), "may cost $148.92, more than --max-cost 100; lower --ttl"),
        (("--max-cost", "0.4", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE), "may cost $0.41"),
        (("--ttl", "2 hours"), "--ttl 2 hours: expected 10m to 365d, such as 30m"),
        (("--ttl", "1m"), "expected 10m to 365d"),
        (("--instance-type", "ml.c5.huge"), "ml.c5.huge: no instance type for endpoint; expected one such as ml.c5."),
        (("--instance-type", "c5.xlarge"), "expected one such as ml.c5.xlarge, ml.m5.xlarge"),
        (("--instance-count", "0"), "--instance-count 0: expected 1 or more"),
        (("--name", "a" * 57), "57 characters; expected at most 56"),
        (("--name", "under_score"), "--name under_score: expected letters of A to Z, digits, and hyphens"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_made(aws: Served, words: tuple[str, ...], message: str) -> None:
    assert message in error_of(deploy(*words))
    assert aws.left() == []


def test_jobs_without_an_artefact_are_refused(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(status: str, **also: str) -> None:
        monkeypatch.setattr("jobs.tracking.job_calls.describe", lambda _: {"TrainingJobStatus": status, **also})

    describe("InProgress")
    assert error_of(deploy()) == (
        "cars: InProgress, so it has no artefact yet; sageseg jobs logs cars --follow waits for it"
    )
    describe("Failed", FailureReason="CUDA out of memory.")
    assert error_of(deploy()).startswith("cars: Failed, so it has no artefact (CUDA out of memory); sageseg jobs logs")
    assert "nobody: no job of that name" in error_of(run("deploy", "nobody"))
    assert "gone.tar.gz: not found" in error_of(run("deploy", "gone.tar.gz"))


def test_a_name_that_is_taken_says_so_and_what_a_schedule_left_is_replaced(aws: Served) -> None:
    assert deploy("--yes").exit_code == 0
    assert "endpoint cars: is there already (InService); sageseg jobs delete cars" in error_of(deploy("--yes"))
    aws.sagemaker().delete_endpoint(EndpointName="cars")  # as the schedule does, which knows nothing of the rest
    wait_until(lambda: not aws.endpoint())
    ran = deploy("--yes")
    assert ran.exit_code == 0, ran.output
    assert "configuration cars: left by an earlier endpoint, replaced" in ran.stderr


@pytest.mark.parametrize("kind", ["configuration", "model", "endpoint"])
def test_a_name_that_is_taken_is_found_before_anybody_is_asked_or_anything_made(aws: Served, kind: str) -> None:
    requests = json.loads(deploy("--dry-run").stdout)
    sagemaker = aws.sagemaker()
    for operation in ("create_model", "create_endpoint_config", "create_endpoint"):
        called = operation.title().replace("_", "")
        if (
            kind == "endpoint"
            or {"configuration": "create_endpoint_config", "model": "create_model"}[kind] == operation
        ):
            getattr(sagemaker, operation)(**{**requests[called], "Tags": []})
        elif kind == "configuration" and operation == "create_model":
            sagemaker.create_model(**{**requests[called], "ModelName": "strangers"})
            variant = {**requests["CreateEndpointConfig"]["ProductionVariants"][0], "ModelName": "strangers"}
            requests["CreateEndpointConfig"]["ProductionVariants"] = [variant]
    said = error_of(deploy("--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE))
    assert said.startswith(f"{kind} cars: is there already")
    assert said.endswith("choose another --name")


def test_a_dry_run_says_what_it_costs(aws: Served) -> None:
    assert "ml.c5.xlarge: $0.204 per hour, $4.90 per day" in deploy("--dry-run").stderr
    ran = deploy("--dry-run", "--rate", "0.5", "--instance-type", "ml.c5.4xlarge", "--instance-count", "2")
    assert (
        "ml.c5.4xlarge: $1 per hour, $24.00 per day, $730.00 per month until it is deleted (your --rate)" in ran.stderr
    )
    assert "more than --max-cost 100" in error_of(deploy("--dry-run", "--rate", "0.5", "--max-cost", "100"))


def test_a_dry_run_prints_the_requests_and_sends_nothing(aws: Served) -> None:
    printed = json.loads(deploy("--dry-run", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE).stdout)
    assert list(printed) == ["CreateSchedule", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    assert aws.left() == []


def test_an_artefact_in_s3_is_deployed_without_its_job(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainedModel, "trained_network", NetworkSettings(2, "fcn", "resnet-50", 32))
    monkeypatch.setattr(TrainedModel, "is_onnx", False)  # the artefact itself is none
    uri = "s3://cars/one/output/cars/output/model.tar.gz"
    assert "--role: missing" in error_of(run("deploy", uri, "--yes"))
    ran = run("deploy", uri, "--yes", "--role", ROLE, "--name", "bare")
    assert ran.exit_code == 0, ran.output
    assert "a drawn image of 32 × 32 pixels: a mask of 32 × 32 pixels came back, with 0, 1" in ran.stderr


def test_the_sample_is_drawn_in_crop_size_where_the_dataset_is_gone(aws: Served, tmp_path: Path) -> None:
    model = replace(find_model("cars"), dataset=tmp_path / "gone")
    sample = find_sample(model)
    assert sample.what == "a drawn image of 240 × 240 pixels"
    assert decode_image(sample.jpeg).shape == (240, 240, 3)
    assert np.ptp(decode_image(sample.jpeg)) > 100


def test_network_and_key_are_the_jobs_own() -> None:
    request = {
        "HyperParameters": {"num_classes": "2"},
        "AlgorithmSpecification": {"TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/own:1"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://b/o", "KmsKeyId": "key"},
        "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "EnableNetworkIsolation": True,
    }
    trained = TrainedModel("cars", "aws", "us-east-1", "s3://b/o/cars/output/model.tar.gz", request=request)
    requests = requests_of(plan_deployment(trained, DeployOptions(), role=None, scheduler_role=None, now=NOW))
    assert requests["CreateModel"]["VpcConfig"] == request["VpcConfig"]
    assert requests["CreateModel"]["EnableNetworkIsolation"] is True
    assert requests["CreateEndpointConfig"]["KmsKeyId"] == "key"
    assert "CreateSchedule" not in requests


@settings(max_examples=20)
@given(st.lists(st.text(max_size=300), max_size=8))
def test_any_text_becomes_a_tag_value(texts: list[str]) -> None:
    tags = [{"Key": "sageseg:job", "Value": tag_value(text)} for text in texts]
    check_request(
        "sagemaker", "AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/a", "Tags": tags}
    )


@given(st.integers(10, 525_600))
def test_a_lease_is_as_long_as_it_says(minutes: int) -> None:
    assert parse_ttl(f"{minutes}m") == timedelta(minutes=minutes)
    until = NOW + parse_ttl(f"{minutes}m")
    assert parse_until(format_until(until)) == until


@pytest.mark.parametrize("text", ["", "2", "h", "2s", "-2h", "9m", "366d", "1e9h", "٢h" * 2, "9" * 400 + "d"])
def test_what_is_no_lease_is_refused(text: str) -> None:
    with pytest.raises(SagesegError, match="expected 10m to 365d"):
        parse_ttl(text)


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1"])
def test_the_schedule_passes_the_services_model(region: str) -> None:
    request = schedule_request("a" * 56, NOW, SCHEDULER_ROLE, region)
    check_request("scheduler", "CreateSchedule", request)
    assert request["ScheduleExpression"] == "at(2026-11-21T01:02:03)"
    assert parse_until("yesterday") is None

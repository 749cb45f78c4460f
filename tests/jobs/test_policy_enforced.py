"""The caller's policy, enforced: each request of a verb passes moto's reading of it, or is answered as IAM answers.

SageMaker is an emulator, which knows no IAM, so the policy stands before botocore's sending. For S3 moto itself
enforces it: `tests/jobs/test_policy.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from jobs.account.policy import Account
from jobs.account.policy_script import checked_account, documents
from tests.support.aws_setup import ACCOUNT, REGION, ROLE, error_of
from tests.support.called_operations import OTHER_NAMES
from tests.support.serving_setup import SCHEDULER_ROLE, Served, run

CALLER = checked_account(Account(REGION, ACCOUNT, ("cars",), "SageMaker", scheduler=True))
KINDS = {
    "TrainingJobName": "training-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "TransformJobName": "transform-job",
    "ProcessingJobName": "processing-job",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
}
FREE = {"sts:GetCallerIdentity"}


def arn_of(service: str, given: dict[str, Any]) -> str:
    """The resource that a request names; `*` where it names none."""
    if service == "s3":
        return f"arn:aws:s3:::{given['Bucket']}" + (f"/{given['Key']}" if "Key" in given else "")
    if service == "scheduler" and "Name" in given:
        return CALLER.arn("scheduler", f"schedule/default/{given['Name']}")
    if service == "logs":
        return CALLER.arn("logs", f"log-group:{given['logGroupName']}:log-stream:a")
    named = [CALLER.arn("sagemaker", f"{kind}/{given[name]}") for name, kind in KINDS.items() if name in given]
    return str(given.get("ResourceArn", named[0] if named else "*"))


class Gate:
    """What IAM says to each request of this process."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.policy, self.asked = IAMPolicy(json.dumps(document)), set[str]()

    def __call__(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        service, given = model.service_model.service_name, context["sageseg_given"]
        action = OTHER_NAMES.get(f"{service}:{model.name}", f"{service}:{model.name}")
        wanted = [(action, arn_of(service, given))] if action not in FREE else []
        if model.name in ("CreateTrainingJob", "CreateModel", "CreateHyperParameterTuningJob"):
            wanted.append(("iam:PassRole", str(given.get("RoleArn", given.get("ExecutionRoleArn")))))
        if model.name == "CreateSchedule":
            wanted.append(("iam:PassRole", str(given["Target"]["RoleArn"])))
        for each, place in wanted:
            self.asked.add(each)
            if self.policy.is_action_permitted(each, place) != PermissionResult.PERMITTED:
                said = (
                    f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform: {each} on resource: {place}"
                )
                error = {"Code": "AccessDeniedException", "Message": said}
                return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return None


def keep_given(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["sageseg_given"] = dict(params)


def ask(policy: dict[str, Any], *words: str) -> tuple[Gate, Any]:
    """A verb whose every request passes the policy, or does not."""
    gate = Gate(policy)
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events
    events.register("provide-client-params", keep_given)
    events.register("before-call", gate)
    return gate, run(*words)


def without(sid: str) -> dict[str, Any]:
    document = documents(CALLER)["caller"]
    kept = [statement for statement in document["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(document["Statement"]) - 1, sid
    return document | {"Statement": kept}


def train(aws: Served, name: str) -> tuple[str, ...]:
    place = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", "1")
    return ("train", str(aws.dataset.root), *place, "--name", name, "--yes", "--no-wait")


DEPLOY = ("deploy", "cars", "--ttl", "1h", "--scheduler-role", SCHEDULER_ROLE, "--yes")


def test_with_the_policy_each_verb_passes(aws: Served, tmp_path: Path) -> None:
    policy = documents(replace(CALLER, role_name="SageMaker"))["caller"]
    lease = next(statement for statement in policy["Statement"] if statement["Sid"] == "PassLeaseRole")
    lease["Resource"] = [SCHEDULER_ROLE]
    asked: set[str] = set()
    for words in (
        train(aws, "passes"),
        ("list",),
        ("logs", "cars"),
        DEPLOY,
        ("predict", "cars", str(aws.dataset.root), "--via", "endpoint", "--out", str(tmp_path / "out")),
        ("leftovers",),
        ("delete", "cars"),
    ):
        gate, ran = ask(policy, *words)
        assert ran.exit_code == 0, (words, ran.output, ran.exception)
        asked |= gate.asked
    assert {
        "sagemaker:CreateTrainingJob",
        "sagemaker:InvokeEndpoint",
        "scheduler:CreateSchedule",
        "iam:PassRole",
    } < asked


@pytest.mark.parametrize(
    ("sid", "permission"),
    [
        ("Buckets", "s3:ListBucket"),
        ("Objects", "s3:PutObject"),
        ("Jobs", "sagemaker:"),
        ("PassRole", "iam:PassRole"),
    ],
)
def test_without_a_statement_training_is_denied_by_its_name(sid: str, permission: str, aws: Served) -> None:
    words = [word.replace("s3://cars/one", f"s3://cars/{sid.lower()}") for word in train(aws, f"no-{sid.lower()}")]
    _, ran = ask(without(sid), *words)
    assert permission in error_of(ran)


@pytest.mark.parametrize(
    ("sid", "words", "permission"),
    [
        ("FindJobs", ("list",), "sagemaker:ListTrainingJobs"),
        ("FindLeases", ("leftovers",), "scheduler:ListSchedules"),
        ("Logs", ("logs", "cars"), "logs:"),
        ("Leases", DEPLOY, "scheduler:"),
        ("PassLeaseRole", DEPLOY, "iam:PassRole"),
    ],
)
def test_without_a_statement_a_verb_says_which_permission_is_missing(
    sid: str, words: tuple[str, ...], permission: str, aws: Served
) -> None:
    _, ran = ask(without(sid), *words)
    said = f"{ran.output} {ran.exception}"
    assert permission in said
    assert "Traceback" not in said


@pytest.mark.parametrize("place", ["s3://others/one", "s3://cars-more/one"])
def test_another_bucket_is_denied(place: str, aws: Served) -> None:
    words = [word.replace("s3://cars/one", place) for word in train(aws, "elsewhere")]
    _, ran = ask(documents(CALLER)["caller"], *words)
    assert "s3:" in error_of(ran)


def test_another_role_is_denied(aws: Served) -> None:
    words = [word.replace(ROLE, CALLER.role_arn("admin")) for word in train(aws, "as-admin")]
    _, ran = ask(documents(CALLER)["caller"], *words)
    assert f"iam:PassRole on resource: {CALLER.role_arn('admin')}" in error_of(ran)

"""The IAM policies: AWS knows what they name, they allow what the verbs call, and hardly more."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMPolicy, PermissionResult
from typer.testing import CliRunner

from formats.errors import SagesegError
from jobs.account.policy import ANY, Account, caller_grants, lease_grants, role_grants, scaling_grants
from jobs.account.policy_script import checked_account, documents, wildcards
from jobs.contract.registry import ACCOUNTS
from jobs.contract.service_model import load_service
from jobs.tracking import job_calls
from jobs.training.upload import Upload, upload_dataset
from sageseg.cli import app
from tests.support.aws_setup import ACCOUNT, REGION, aws_client, no_price_list, use_aws
from tests.support.called_operations import OTHER_NAMES, SERVICES, called_operations, clients_made
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import emulator
from tests.support.policy_samples import FULL, PLAIN, ROLE, SAMPLES
from tests.support.serving_setup import SERVES, small_dataset
from tests.support.template_lint import lint_template

NEEDS_NONE = {
    "sts:GetCallerIdentity",
    "health:DescribeServiceLifecycle",  # the doctor asks where it may; cfn-lint's copy of the reference lacks it
    "sagemaker:DeleteTrainingJob",  # asked of the emulator alone
    "sagemaker:DeleteHyperParameterTuningJob",
}
NOT_CALLED = {
    "sagemaker:AddTags",  # a request with tags needs it
    "iam:PassRole",
    "kms:GenerateDataKey",
    "kms:Decrypt",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "sagemaker:UpdateEndpointWeightsAndCapacities",  # RegisterScalableTarget and PutScalingPolicy need these
    "cloudwatch:DescribeAlarms",
    "iam:CreateServiceLinkedRole",
}
"""Permissions that other operations need beside their own."""


def actions_of(document: dict[str, Any]) -> list[str]:
    return [action for statement in document["Statement"] for action in statement["Action"]]


@cache
def authorization_reference() -> dict[str, Any]:
    """AWS's Service Authorization Reference, as cfn-lint carries it: actions, and the resources each knows."""
    from cfnlint.data import AdditionalSpecs
    from cfnlint.helpers import load_resource

    found: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
    return found


def resource_types(action: str) -> list[str]:
    service, name = action.lower().split(":")
    types: list[str] = authorization_reference()[service]["Actions"][name].get("Resources", [])
    return types


def of_the_caller(account: Account) -> dict[str, Any]:
    """Both of the caller's policies as one."""
    made = documents(account)
    return {**made["caller"], "Statement": [*made["caller"]["Statement"], *made["scaling"]["Statement"]]}


def permits(document: dict[str, Any], action: str) -> bool:
    """Whether moto's reading of a policy allows an action on each resource of this project that it knows."""
    places = [SAMPLES[kind] for kind in resource_types(action) if kind in SAMPLES] or [ANY]
    read = IAMPolicy(json.dumps(document))
    return all(read.is_action_permitted(action, place) == PermissionResult.PERMITTED for place in places)


def lint_documents(found: dict[str, dict[str, Any]]) -> list[str]:
    """What cfn-lint says about the documents, in a template."""
    role = {"Policies": [{"PolicyName": "a", "PolicyDocument": found["role"]}]}
    lease = {"Policies": [{"PolicyName": "a", "PolicyDocument": found["lease"]}]}
    resources = {
        "Caller": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": found["caller"]}},
        "Scaling": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": found["scaling"]}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": found["role-trust"], **role}},
        "Lease": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": found["lease-trust"], **lease}},
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    return lint_template(json.dumps(template), REGION)


def test_cfn_lint_finds_every_action_and_nothing_wrong() -> None:
    assert lint_documents(documents(FULL)) == []


def test_cfn_lint_would_find_an_action_that_does_not_exist() -> None:
    found = documents(FULL)
    found["caller"]["Statement"][0]["Action"].append("s3:ListBukket")
    assert [line.split()[0] for line in lint_documents(found)] == ["W3037"]


def test_actions_that_are_api_calls_are_operations_of_botocores_model() -> None:
    renamed = set(OTHER_NAMES.values())
    for document in documents(FULL).values():
        for action in set(actions_of(document)) if "Resource" in document["Statement"][0] else ():
            service, name = action.split(":")
            if action in renamed or action in NOT_CALLED or service in ("ecr", "ec2", "kms"):
                continue
            known = load_service(service).operation_names if service in SERVICES else ()
            assert name in known, action


@pytest.mark.parametrize("account", [FULL, PLAIN], ids=["full", "plain"])
def test_every_resource_is_of_a_type_that_the_action_knows(account: Account) -> None:
    """`*` stands only where there are no types, or where a reason is given besides."""
    made = (*caller_grants(account), *scaling_grants(account), *role_grants(account), *lease_grants(account))
    by_sid = {grant.sid: grant for grant in made}
    for grant in by_sid.values():
        for action in grant.actions:
            types = resource_types(action)
            if ANY in grant.resources:
                assert not types or grant.sid in ("Metrics", "Network"), action
                continue
            formats = authorization_reference()[action.split(":")[0]]["Resources"]
            wanted = [pattern for kind in types for pattern in formats[kind.lower()]["ARNFormats"]]
            assert any(_is_of(place, pattern) for place in grant.resources for pattern in wanted), action


def _is_of(place: str, pattern: str) -> bool:
    parts = {"${Partition}": "aws", "${Region}": "[^:]+", "${Account}": r"\d+"}
    for name, value in parts.items():
        pattern = pattern.replace(name, value)
    return re.fullmatch(pattern, place) is not None


def test_every_wildcard_says_why() -> None:
    named = {grant.sid: grant.why for grant in wildcards(FULL)}
    assert set(named) == {
        "FindJobs",
        "GpuUse",
        "Prices",
        "Quotas",
        "FindLeases",
        "Metrics",
        "RegistryToken",
        "Network",
    } | {"FindScaling"}
    assert all(named.values())
    actions = [action for document in documents(FULL).values() for action in actions_of(document)]
    assert not [action for action in actions if ANY in action]


def test_all_that_the_verbs_call_is_granted() -> None:
    caller = of_the_caller(FULL)
    wanted = {OTHER_NAMES.get(operation, operation) for operation in called_operations() - NEEDS_NONE}
    assert sorted(action for action in wanted if not permits(caller, action)) == []


def test_nothing_else_is_granted() -> None:
    wanted = {OTHER_NAMES.get(operation, operation) for operation in called_operations()} | NOT_CALLED
    assert sorted(set(actions_of(of_the_caller(FULL))) - wanted) == []


def test_the_source_was_read_for_every_service_that_the_verbs_use() -> None:
    assert clients_made() == set(SERVICES)


@pytest.mark.parametrize(
    ("name", "action", "place"),
    [
        ("caller", "s3:PutObject", "arn:aws:s3:::others/one/a"),
        ("caller", "s3:PutObject", "arn:aws:s3:::cars/one-more/a"),
        ("caller", "iam:PassRole", FULL.role_arn("admin")),
        ("caller", "scheduler:DeleteSchedule", FULL.arn("scheduler", "schedule/default/backup")),
        ("scaling", "cloudwatch:DeleteAlarms", FULL.arn("cloudwatch", "alarm:theirs")),
        ("caller", "sagemaker:DeleteEndpoint", FULL.arn("sagemaker", "endpoint/cars").replace(ACCOUNT, "210987654321")),
        ("role", "s3:DeleteObject", "arn:aws:s3:::cars/one/a"),
        ("role", "s3:GetObject", "arn:aws:s3:::others/one/a"),
        ("lease", "sagemaker:DeleteEndpointConfig", FULL.arn("sagemaker", "endpoint-config/cars")),
    ],
)
def test_what_is_not_needed_is_not_allowed(name: str, action: str, place: str) -> None:
    read = IAMPolicy(json.dumps(documents(FULL)[name]))
    assert read.is_action_permitted(action, place) != PermissionResult.PERMITTED


def test_roles_are_passed_to_their_service_alone() -> None:
    statements = {statement["Sid"]: statement for statement in documents(FULL)["caller"]["Statement"]}
    for sid, role, service in (("PassRole", "sageseg", "sagemaker"), ("PassLeaseRole", "sageseg-lease", "scheduler")):
        assert statements[sid]["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/{role}"]
        assert statements[sid]["Condition"] == {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


def test_a_lease_ends_only_endpoints_that_have_one() -> None:
    (statement,) = documents(FULL)["lease"]["Statement"]
    assert statement["Condition"] == {"Null": {"aws:ResourceTag/sageseg:until": "false"}}


def test_documents_keep_within_iams_limits() -> None:
    """Characters without white space (IAM user guide, Quotas): managed policy, role's inline policies, trust."""
    many = replace(FULL, buckets=tuple(f"{'b' * 60}{number}" for number in range(10)), region="ap-southeast-1")
    sizes = {name: len(re.sub(r"\s", "", json.dumps(document))) for name, document in documents(many).items()}
    assert max(sizes["caller"], sizes["scaling"]) <= 6144
    assert max(sizes["role"], sizes["lease"]) <= 10240
    assert max(sizes["role-trust"], sizes["lease-trust"]) <= 2048


def test_without_options_there_is_no_key_no_vpc_and_no_lease() -> None:
    plain = documents(PLAIN)
    assert set(plain) == {"caller", "role", "role-trust"}
    actions = [action for document in plain.values() for action in actions_of(document)]
    assert not [action for action in actions if re.match("kms|ec2|scheduler|cloudwatch:.*Alarm", action)]
    assert plain["role"]["Statement"][1]["Resource"] == ["arn:aws:s3:::cars/*"]


def test_images_of_ones_own_may_be_pulled() -> None:
    own = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/cars/sageseg"
    words = ["jobs", "policy", "--bucket", "cars", "--account", ACCOUNT, "--region", REGION]
    ran = CliRunner().invoke(app, [*words, "--image", f"{own}:1", "--image", f"{own}@sha256:0"])
    told = [SAMPLES["repository"], f"arn:aws-cn:ecr:cn-north-1:{ACCOUNT}:repository/cars/sageseg"]
    assert re.findall(r'"(arn:\S+:ecr:\S+)"', ran.stdout) == told


def test_partitions_are_botocores() -> None:
    session = boto3.Session()
    for region in ACCOUNTS:
        assert Account(region, ACCOUNT, ("cars",)).partition == session.get_partition_for_region(region)


def test_other_partitions_have_their_own_arns() -> None:
    china = documents(checked_account(Account("cn-north-1", ACCOUNT, ("cars",))))
    assert '"arn:aws:' not in json.dumps(china)
    assert "arn:aws-cn:ecr:cn-north-1:390948362332:repository/semantic-segmentation" in json.dumps(china["role"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"region": "mars-1"}, "region mars-1: the built-in algorithm is not there"),
        ({"account": "12345"}, "--account 12345: expected its 12 digits"),
        ({"buckets": ()}, "--bucket: missing"),
        ({"buckets": ("s3://cars/one",)}, "--bucket s3://cars/one: expected a bucket's name alone"),
        ({"role_name": "my role"}, "--role-name my role: expected"),
        ({"prefix": "one/*"}, "--prefix one/*: "),
        ({"kms_key": "alias/cars"}, "--kms-key alias/cars: expected a key's ARN or id"),
        ({"repositories": ("sageseg:1",)}, "--image sageseg:1: expected an image in ECR, 123456789012.dkr.ecr."),
    ],
)
def test_what_cannot_be_in_a_policy_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SagesegError, match=re.escape(said)):
        checked_account(replace(Account(REGION, ACCOUNT, ("cars",)), **changes))


def test_the_commands_create_the_role_and_the_policy(
    moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As they are written to a folder, run by a shell with the real AWS CLI; the account is that of the credentials."""
    use_aws(monkeypatch, moto)
    words = ["jobs", "policy", "--bucket", "cars", "--prefix", "one", "--out", str(tmp_path / "iam")]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    assert "note: pricing:GetProducts on everything: the price list is the same for all" in made.stderr
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    script = ["/bin/sh", str(tmp_path / "iam" / "create.sh")]  # from another folder than its own
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    iam, wanted = aws_client("iam", moto), documents(replace(PLAIN, prefix="one/"))
    assert iam.get_role(RoleName="sageseg")["Role"]["AssumeRolePolicyDocument"] == wanted["role-trust"]
    granted = iam.get_role_policy(RoleName="sageseg", PolicyName="sageseg")
    assert granted["PolicyDocument"] == wanted["role"]
    arn = f"arn:aws:iam::{ACCOUNT}:policy/sageseg-caller"
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == wanted["caller"]
    _run_again(script, tmp_path / "iam", iam, arn)


def _run_again(script: list[str], folder: Path, iam: Any, arn: str) -> None:
    """What is there is brought up to date; versions of the policy that are not in force go, as IAM keeps five."""
    changed = documents(replace(PLAIN, prefix="two/"))
    for name, document in changed.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(changed["role"]))
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "created" not in ran.stdout
    assert "role sageseg: there already; its trust and its permissions are brought up to date" in ran.stdout
    assert "policy sageseg-caller: there already; it gets a new version" in ran.stdout
    assert iam.get_role_policy(RoleName="sageseg", PolicyName="sageseg")["PolicyDocument"] == changed["role"]
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert sorted(version["IsDefaultVersion"] for version in versions) == [False, True]
    latest = next(version["VersionId"] for version in versions if version["IsDefaultVersion"])
    in_force = iam.get_policy_version(PolicyArn=arn, VersionId=latest)["PolicyVersion"]
    assert in_force["Document"] == changed["caller"]


def test_the_printed_script_holds_the_same_documents(tmp_path: Path) -> None:
    """A stand-in for `aws` writes down what the shell gives it."""
    words = ["jobs", "policy", "--bucket", "cars", "--scheduler", "--region", REGION, "--account", ACCOUNT]
    printed = CliRunner().invoke(app, words)
    stand_in = tmp_path / "aws"
    note = 'import json, sys\nopen("calls", "a").write(json.dumps(sys.argv[1:]) + "\\n")\n'
    note += 'sys.exit(sys.argv[2].startswith("get-"))\n'  # nothing is there yet
    stand_in.write_text(f"#!{sys.executable}\n{note}")
    stand_in.chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["/bin/sh"], input=printed.stdout, cwd=tmp_path, env=environment, text=True, check=True)
    told = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    calls = [call for call in told if not call[1].startswith("get-")]
    role = ["create-role", "put-role-policy"]
    assert [call[1] for call in calls] == [*role, *role, "create-policy"]
    wanted = documents(replace(PLAIN, scheduler=True))
    names = ("role-trust", "role", "lease-trust", "lease", "caller")
    assert [json.loads(call[-1]) for call in calls] == [wanted[name] for name in names]


def test_without_credentials_the_account_is_asked_for() -> None:
    ran = CliRunner().invoke(app, ["jobs", "policy", "--bucket", "cars", "--region", REGION])
    assert "--account: missing, and asking AWS who you are: no AWS credentials" in str(ran.exception)


def test_the_policy_lets_a_person_upload_to_the_prefix_and_nowhere_else(
    moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """moto checks each request against the user's policy here."""
    iam = aws_client("iam", moto)
    document = json.dumps(documents(replace(PLAIN, prefix="one/"))["caller"])
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="caller", PolicyDocument=document)
    keys = iam.create_access_key(UserName="ada")["AccessKey"]
    use_aws(monkeypatch, moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    images = {name: disc_image(16, 16, seed=1) for name in ("a_01", "b_01")}
    dataset = make_channels(make_dataset(tmp_path / "data", images, splits={"a_01": "train", "b_01": "val"}))
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)
    monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
    assert upload_dataset(dataset, Upload("s3://cars/one", REGION, workers=1)).sent == 4
    with pytest.raises(SagesegError, match="AccessDenied"):
        upload_dataset(dataset, Upload("s3://cars/two", REGION, workers=1))


def test_what_the_verbs_really_ask_aws_is_granted(moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each request of a job's whole life, seen as botocore sends it: reading the source has missed none."""
    asked: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        asked.add(f"{model.service_model.service_name}:{model.name}")

    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    monkeypatch.setitem(job_calls.POLL_SECONDS, "aws", 0.02)
    dataset = str(small_dataset(tmp_path / "dataset").root)
    train = ("--data", "s3://cars/one/seen", "--role", ROLE, "--mini-batch-size", "1", "--name", "cars", "--yes")
    lease = ("--ttl", "1h", "--scheduler-role", FULL.role_arn("sageseg-lease"), "--yes")
    its_own = boto3.Session().client("s3", endpoint_url=moto, aws_access_key_id="x", aws_secret_access_key="x")
    with emulator(tmp_path / "sagemaker", serve=SERVES, make_s3=lambda: its_own) as (_, _, server):
        use_aws(monkeypatch, moto, **dict.fromkeys(("sagemaker", "sagemaker_runtime", "cloudwatch_logs"), server.url))
        boto3.setup_default_session()
        boto3.DEFAULT_SESSION.events.register("before-call", note)
        for words in (
            ("train", dataset, *train),
            ("show", "cars"),
            ("logs", "cars"),
            ("list",),
            ("deploy", "cars", *lease),
            ("predict", "cars", dataset, "--via", "endpoint", "--out", str(tmp_path / "predictions")),
            ("leftovers",),
            ("delete", "cars"),
        ):
            ran = CliRunner().invoke(app, ["jobs", *words])
            assert ran.exit_code == 0, (words, ran.output, ran.exception)
        assert CliRunner().invoke(app, ["doctor", "--role", FULL.role_arn("sageseg")]).exit_code == 0
    assert {op.split(":")[0] for op in asked} == set(SERVICES) - {"pricing"}
    assert asked <= called_operations()
    caller = documents(FULL)["caller"]
    assert not [op for op in asked - NEEDS_NONE if not permits(caller, OTHER_NAMES.get(op, op))]

"""`sageseg doctor`: what it finds of this machine and of an account, which it calls a fault, and what it says to do."""

from __future__ import annotations

import json
import re
from configparser import ConfigParser
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from typer.testing import CliRunner, Result

from aws.errors import AwsError
from formats.errors import SagesegError
from jobs.doctor import account, lifecycle, machine, packages
from jobs.doctor.account import judge_quotas, trusts_sagemaker
from jobs.doctor.lifecycle import judge_lifecycle
from jobs.doctor.machine import OLDEST, examine_disk, judge_disk, judge_memory
from jobs.doctor.packages import PURPOSES, Need, parse_need, what_lacks
from jobs.doctor.torch_build import Torch, judge_torch
from jobs.quotas import Quota
from sageseg.cli import app
from tests.support.aws_setup import ACCOUNT, REGION, SECRET, TOKEN, aws_client, no_price_list, use_aws
from tests.support.emulator_setup import emulator

SETUP = ConfigParser()
SETUP.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/doctored"
GIB = 2**30


def doctor(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words])


def found(ran: Result) -> dict[str, dict[str, str]]:
    return {each["subject"]: each for each in json.loads(ran.stdout)}


def test_every_extra_has_its_purpose_and_python_is_that_of_setup_cfg() -> None:
    assert PURPOSES.keys() == set(SETUP["options.extras_require"]) - {"test"}
    assert SETUP["options"]["python_requires"] == ">=" + ".".join(map(str, OLDEST))


@pytest.mark.parametrize(
    ("line", "need"),
    [
        ("numpy>=1.26", Need("numpy", "1.26", "")),
        ('moto[s3,server]>=5.1; extra == "rehearse"', Need("moto", "5.1", "rehearse")),
        ("typer >= 0.29", Need("typer", "0.29", "")),
        ('torch>=2.4; (python_version < "3.15") and extra == "local"', Need("torch", "2.4", "local")),
        ("PyYAML", Need("PyYAML", "", "")),
    ],
)
def test_requirements_as_metadata_has_them(line: str, need: Need) -> None:
    assert parse_need(line) == need


def test_a_package_that_is_missing_or_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "absent":
            raise PackageNotFoundError(name)
        return "2.13.0+cpu"

    monkeypatch.setattr(packages, "version", version)
    assert what_lacks(Need("torch", "2.4", "")) == ""
    assert what_lacks(Need("torch", "", "")) == ""
    assert what_lacks(Need("torch", "2.14", "")) == "torch is 2.13.0+cpu, expected 2.14 or newer"
    assert what_lacks(Need("absent", "1", "")) == "absent is not installed"


def test_an_extra_that_the_installation_is_too_old_for_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "requires", lambda _: ['torch>=2; extra == "local"'])
    findings = {finding.subject: finding for finding in packages.examine_extras("fault")}
    assert (findings["extra plot"].state, findings["extra plot"].cure) == ("note", "pip install -e '.[plot]'")
    assert "older than this code" in findings["extra plot"].told


def test_what_every_installation_needs_stands_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "requires", lambda _: ["no-such-package>=1", 'also-none; extra == "plot"'])
    ran = doctor("--json")
    assert [each["subject"] for each in json.loads(ran.stdout)] == ["Python", "packages"]
    assert found(ran)["packages"]["told"] == "no-such-package is not installed"
    assert "1 fault(s): packages" in str(ran.exception)


@pytest.mark.parametrize(
    ("torch", "card", "sees", "state", "told"),
    [
        (None, "", False, "fault", "not installed, so nothing is trained here"),
        (None, "L4, 24 GiB", False, "fault", "there is L4, 24 GiB"),
        (Torch("2.13.0+cpu", ""), "", False, "ok", "no NVIDIA card"),
        (Torch("2.13.0+cpu", ""), "L4", False, "note", "L4 is not used"),
        (Torch("2.13.0", "13.0"), "", False, "ok", "CUDA 13.0; no NVIDIA card"),
        (Torch("2.13.0", "13.0"), "L4", False, "note", "it cannot use L4"),
        (Torch("2.13.0", "13.0"), "L4", True, "ok", "computes on L4"),
    ],
)
def test_torch_and_the_card(torch: Torch | None, card: str, sees: bool, state: str, told: str) -> None:
    finding = judge_torch(torch, card, sees=sees, wrong="fault")
    assert (finding.state, bool(finding.cure)) == (state, state != "ok")
    assert told in finding.told


def test_disks_and_memory(tmp_path: Path) -> None:
    states = [judge_disk("TMPDIR", tmp_path, free, "x").state for free in (2**20, GIB, 100 * GIB)]
    assert states == ["fault", "note", "ok"]
    assert [judge_memory(size, 2).state for size in (0, GIB, 16 * GIB)] == ["note", "note", "ok"]
    (tmp_path / "file").touch()
    inside = examine_disk("SAGESEG_HOME", tmp_path / "file" / "deep")
    assert (inside.state, inside.cure) == ("fault", "choose another: export SAGESEG_HOME=FOLDER")
    assert examine_disk("SAGESEG_HOME", tmp_path / "not" / "yet").state != "fault"


def test_a_place_for_temporary_files_that_will_not_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(named: Path | str) -> tuple[str, str]:
        monkeypatch.setenv("TMPDIR", str(named))
        monkeypatch.setattr("tempfile.tempdir", None)
        each = found(doctor("--backend", "local", "--json"))["TMPDIR"]
        return each["state"], each["told"]

    state, text = told(tmp_path / "none")
    assert (state, f"{tmp_path / 'none'}: no folder that may be written to, so /" in text) == ("note", True)
    for good in (tmp_path, f"{tmp_path}/.", f"{tmp_path}/a/.."):
        assert told(good)[1].startswith(f"{tmp_path}: ")
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)
    assert told("")[0] == "fault"


def test_what_is_of_the_account_alone_is_not_passed_over_in_silence() -> None:
    ran = doctor("--backend", "local", "--bucket", "cars", "--role", "x")
    assert "note: --role, --bucket: of the AWS account, which --backend local does not ask" in ran.stderr
    assert [str(doctor(option, "").exception).partition(",")[0] for option in ("--backend", "--instance-type")] == [
        "--backend : expected aws or local",
        "--instance-type : expected names such as ml.p3.2xlarge",
    ]


def test_a_container_is_held_to_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       4194304 kB\nMemFree: 1 kB\n")
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CGROUP", limit)
    for text, size in (("max\n", 4 * GIB), (f"{GIB}\n", GIB), (f"{8 * GIB}\n", 4 * GIB)):
        limit.write_text(text)
        assert machine.memory_bytes() == size


def test_the_emulator_is_found_and_odd_keys_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(tmp_path) as (_, _, server):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
        assert found(doctor("--backend", "local", "--json"))["emulator"]["told"] == f"answers at {server.url}"
        (tmp_path / "home" / "emulator" / "credentials.json").chmod(0o644)
        assert found(doctor("--backend", "local", "--json"))["emulator"]["state"] == "fault"
        (tmp_path / "home" / "emulator" / "credentials.json").chmod(0o600)
        (tmp_path / "home" / "emulator" / "endpoint.json").rename(tmp_path / "away")
        told = found(doctor("--backend", "local", "--json"))["emulator"]
        assert (told["state"], told["told"]) == ("fault", f"one holds {tmp_path / 'home'}, but does not answer")
    (tmp_path / "home" / "emulator" / "credentials.json").write_text("{")
    told = found(doctor("--backend", "local", "--json"))["emulator"]
    assert told["told"].endswith("credentials.json: not the emulator's keys")
    assert told["cure"] == "remove it and start the emulator again"


def test_without_credentials_aws_is_a_note_unless_it_was_asked_for() -> None:
    ran = doctor("--json")
    assert ran.exit_code == 0, ran.output
    assert found(ran)["credentials"]["state"] == "note"
    assert "credentials" not in found(doctor("--json", "--backend", "local"))
    asked = doctor("--backend", "aws")
    assert str(asked.exception) == "1 fault(s): credentials; each has its cure above"
    assert re.search(r"^fault credentials +none, .*\n +→ aws configure", asked.stdout, re.MULTILINE)


def refuse(*_: Any, **__: Any) -> Any:
    raise AwsError("asking", "AccessDeniedException", "User ada may not")


@pytest.fixture
def cloud(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    use_aws(monkeypatch, moto)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    # moto knows no Health
    monkeypatch.setattr("jobs.doctor.account.examine_lifecycle", lambda _: judge_lifecycle([], REGION))
    quotas = {"ml.g5.2xlarge for training job usage": Quota(1, "L-1"), "ml.c5.xlarge for endpoint usage": Quota(0, "")}
    monkeypatch.setattr("jobs.doctor.account.listed_quotas", lambda *_: quotas.items())
    return moto


def make_role(url: str, service: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam, document = aws_client("iam", url), json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName="doctored", AssumeRolePolicyDocument=document)


def test_an_account_in_order(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_role(cloud, "sagemaker.amazonaws.com")
    monkeypatch.setenv("SAGESEG_ROLE", ROLE)
    ran = doctor("--backend", "aws", "--bucket", "cars", "--json", "--instance-type", "ml.g5.2xlarge")
    told = found(ran)
    aws_client("iam", cloud).delete_role(RoleName="doctored")
    assert ran.exit_code == 0, ran.output
    subjects = ["region", "credentials", "role", "bucket", "quota of training jobs", "lifecycle"]
    assert {told[subject]["state"] for subject in subjects} == {"ok"}
    assert told["credentials"]["told"].startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert "by env, profile default" in told["credentials"]["told"]
    assert told["AWS_ENDPOINT_URL"]["told"] == f"{cloud} stands for AWS"
    assert told["quota of endpoints"]["told"] == "ml.g5.2xlarge not told"
    assert told["prices"]["told"].startswith("per hour: ml.g5.2xlarge as training job $1.515, ")
    assert "price list was not to be had" in told["prices"]["told"]
    assert not [secret for secret in (SECRET, TOKEN) if secret in ran.output]


def test_an_account_that_lacks_everything(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    words = ("--role", ROLE, "--bucket", "none-such", "--json")
    kinds = {name: each["state"] for name, each in found(doctor(*words)).items()}
    assert "fault" not in kinds.values()
    ran = doctor("--backend", "aws", *words)
    told = found(ran)
    faults = [name for name, each in told.items() if each["state"] == "fault"]
    assert faults == ["role", "bucket", "quota of endpoints"]
    assert "3 fault(s): role, bucket, quota of endpoints" in str(ran.exception)
    assert told["role"]["cure"].startswith("sageseg jobs policy --bucket")
    assert "aws s3 mb s3://none-such" in told["bucket"]["cure"]
    assert told["prices"]["cure"] == "name your own with --rate USD"
    assert "unknown: ml.g5.2xlarge as training job" in told["prices"]["told"]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("sageseg", "expected the ARN of a role"),
        (ROLE.replace(ACCOUNT, "210987654321"), "of another account than your credentials"),
        (None, "none named"),
    ],
)
def test_a_role_that_cannot_be_given(cloud: str, role: str | None, said: str) -> None:
    finding = account.examine_role(role, REGION, ACCOUNT, "fault")
    assert (finding.state, said in finding.told) == ("fault", True)


def test_a_role_of_other_services_and_one_that_may_not_be_looked_at(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_role(cloud, "ec2.amazonaws.com")
    other = account.examine_role(ROLE, REGION, ACCOUNT, "fault")
    aws_client("iam", cloud).delete_role(RoleName="doctored")
    assert (other.state, other.cure) == ("fault", "sageseg jobs policy --bucket BUCKET --role-name doctored lets it")
    monkeypatch.setattr(account, "_trust_of", refuse)
    assert account.examine_role(ROLE, REGION, ACCOUNT, "fault").state == "note"


@pytest.mark.parametrize(
    ("changes", "trusts"),
    [
        ({}, True),
        ({"Effect": "Deny"}, False),
        ({"Action": ["sts:TagSession", "sts:AssumeRole"]}, True),
        ({"Action": "sts:TagSession"}, False),
        ({"Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"Principal": {"AWS": "*"}}, False),
        ({"Principal": "*"}, False),
    ],
)
def test_whom_a_trust_policy_names(changes: dict[str, Any], trusts: bool) -> None:
    allow = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert trusts_sagemaker({"Statement": allow | changes}) == trusts
    assert trusts_sagemaker({"Statement": [allow | changes]}) == trusts
    assert not trusts_sagemaker({})


@pytest.mark.parametrize(
    ("values", "state"), [((1, 2), "ok"), ((0, 1), "note"), ((0, 0), "fault"), ((1, None), "note"), ((0, None), "note")]
)
def test_quotas_in_the_order_of_the_types(values: tuple[float | None, ...], state: str) -> None:
    quotas = {f"ml.{n}": None if value is None else Quota(value, f"L-{n}") for n, value in enumerate(values)}
    finding = judge_quotas("training job", quotas, REGION, "fault")
    assert finding.state == state
    assert (" --quota-code L-0 " in finding.cure) == (values[0] == 0)


def test_where_the_network_is_away_one_question_is_asked(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(region: str) -> str:
        asked.append(region)
        raise SagesegError("asking AWS who you are: cannot connect; check the network and run the same command again")

    monkeypatch.setattr(account, "caller_arn", away)
    ran = doctor("--json")
    told = found(ran)
    assert (ran.exit_code, asked) == (0, [REGION])
    assert list(told)[-2:] == ["credentials", "the rest of AWS"]
    assert told["credentials"]["cure"] == "check the network and run the same command again"


def test_a_region_and_a_profile_that_there_are_not(monkeypatch: pytest.MonkeyPatch, cloud: str) -> None:
    told = found(doctor("--json", "--region", "mars-1"))
    assert (told["region"]["state"], told["the rest of AWS"]["told"]) == ("note", "not asked")
    assert doctor("--backend", "aws", "--region", "mars-1").exit_code == 1
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    ran = doctor("--backend", "aws", "--profile", "nobody", "--json")
    assert "could not be found" in found(ran)["credentials"]["told"]


def test_each_place_that_stands_for_services_is_told_once() -> None:
    places = {"AWS_ENDPOINT_URL_S3": "http://b", "AWS_ENDPOINT_URL_PRICING": "http://b", "AWS_ENDPOINT_URL": "http://a"}
    findings = list(account.examine_endpoints({**places, "AWS_REGION": "x", "AWS_ENDPOINT_URL_STS": ""}))
    assert [finding.told for finding in findings] == ["http://a stands for AWS", "http://b stands for PRICING, S3"]
    assert findings[1].cure == "unset AWS_ENDPOINT_URL_PRICING AWS_ENDPOINT_URL_S3 leads to AWS itself"


def test_refused_questions_are_notes(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "listed_quotas", refuse)
    assert found(doctor("--json", "--backend", "aws"))["quotas"]["state"] == "note"
    monkeypatch.setattr(lifecycle, "make_client", refuse)
    finding = lifecycle.examine_lifecycle(REGION)
    assert (finding.state, finding.told) == ("note", "not told: asking: AccessDeniedException: User ada may not")


def test_what_ends_is_told_with_its_day() -> None:
    """The members are those of botocore's model of Health."""
    day = datetime(2027, 3, 1, tzinfo=UTC)
    events = [{"lifecycleEventType": "end-of-support", "date": day, "regions": [REGION]}]
    entries = [{"service": "SAGEMAKER", "title": "P3", "version": "1", "lifecycleEvents": events}]
    finding = judge_lifecycle(entries, REGION)
    assert (finding.state, finding.told) == ("note", "P3 1: end-of-support 2027-03-01")
    assert judge_lifecycle(entries, "eu-west-1").state == "ok"


def test_health_is_asked_as_botocore_has_it(cloud: str) -> None:
    event = {"lifecycleEventType": "end-of-life", "date": datetime(2027, 3, 1, tzinfo=UTC).timestamp()}
    entry = {"title": "P3", "version": "1", "lifecycleEvents": [event]}
    asked: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked.append(f"{request.headers['X-Amz-Target'].decode()} {request.body.decode()}")
        made = AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.1"}, None)
        made._content = json.dumps({"serviceLifecycles": [entry]}).encode()
        return made

    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register("before-send.health", answer)
    assert lifecycle.examine_lifecycle(REGION).told == "P3 1: end-of-life 2027-03-01"
    assert asked == ['AWSHealth_20160804.DescribeServiceLifecycle {"filter": {"service": "SAGEMAKER"}}']


def test_requests_are_told_by_name_and_time(cloud: str) -> None:
    ran = CliRunner().invoke(app, ["--verbose", "doctor", "--bucket", "none-such"])
    told = re.findall(r"^detail: asked (\S+ \w+: [\w ]+), \d+\.\d{3} s$", ran.stderr, re.MULTILINE)
    assert told == ["sts GetCallerIdentity: 200", "s3 HeadBucket: 404"]
    assert not [secret for secret in (SECRET, TOKEN) if secret in ran.output]
    assert "detail: " not in doctor().stderr

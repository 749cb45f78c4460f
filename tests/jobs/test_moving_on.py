"""A training that moves on to the next instance type, and what its name finds then."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.cli import app
from jobs.tracking.find_jobs import find_training
from jobs.tracking.records import read_record, record_names
from jobs.tracking.trained_model import find_model
from tests.support.aws_setup import aws_client, error_of
from tests.support.emulator_setup import rehearse
from tests.support.jobs_on_aws import train

MOVING = ("--yes", "--spot", "--instance-type", "ml.p3.2xlarge,ml.g5.2xlarge,ml.g4dn.2xlarge")
"""Spot takes no list, so that the types are tried one by one."""
UNSEEN = {"ListServiceQuotas": 9}
"""Nobody tells of the quotas before they are met."""
QUOTA_THEN_CAPACITY = {
    "quotas": {"ml.p3.2xlarge for spot training job usage": 0},
    "training_jobs": {"ml.g5.2xlarge": {"capacity_error": True}},
    "calls": UNSEEN,
}
NO_CAPACITY = {"training_jobs": {"ml.p3.2xlarge": {"capacity_error": True}}, "calls": UNSEEN}
QUOTAS = {"quotas": {f"ml.{kind}.2xlarge for spot training job usage": 0 for kind in ("p3", "g5")}, "calls": UNSEEN}


def test_it_moves_on_from_a_quota_and_from_missing_capacity(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    rehearse(tmp_path / "sagemaker", QUOTA_THEN_CAPACITY)
    ran = train(dataset, *MOVING, name="moving")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[0] == "moving-3: Completed"
    said = ran.stderr
    assert "note: no quota was looked at: listing the quotas of SageMaker: ThrottlingException" in said
    assert "refused: creating training job moving: ResourceLimitExceeded" in said
    assert "moving on to ml.g5.2xlarge as moving-2 (ml.g5.2xlarge: $1.515 per hour" in said
    assert "no capacity: moving-2: Failed: CapacityError" in said
    assert record_names() == ["moving-2", "moving-3"]  # a refused job leaves no record


def test_the_service_moves_on_by_itself_along_a_list(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    """With --no-wait nobody is there to move on."""
    rehearse(tmp_path / "sagemaker", {"training_jobs": {"ml.g5.2xlarge": {"capacity_error": True}}})
    ran = train(dataset, "--yes", "--no-wait", name="listed")
    assert (ran.exit_code, ran.stdout) == (0, "listed\n")
    assert CliRunner().invoke(app, ["logs", "listed", "--follow"]).exit_code == 0
    record = read_record("listed")
    seconds = record.description["BillableTimeInSeconds"]
    assert record.cost["actual_usd"] == pytest.approx(seconds * 0.94 / 3600)
    shown = CliRunner().invoke(app, ["show", "listed"]).stdout
    assert "ml.g4dn.2xlarge (chosen from ml.g5.2xlarge or ml.g4dn.2xlarge)" in shown
    assert find_model("listed").facts.instance_type == "ml.g4dn.2xlarge"


@pytest.mark.parametrize("name", ["cars-2", "fcn-cars-20261121-010203"])
@pytest.mark.parametrize("kinds", ["ml.g5.2xlarge", "ml.g5.2xlarge,ml.g4dn.2xlarge"])
def test_a_name_that_ends_in_a_number_is_no_later_attempt_of_itself(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kinds: str
) -> None:
    assert train(dataset, "--yes", "--instance-type", kinds, name=name).exit_code == 0
    for home in ("sageseg-home", "elsewhere"):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
        shown = CliRunner().invoke(app, ["show", name])
        assert f"{'name':16}{name}" in shown.stdout.splitlines(), shown.exception
        assert "was moved on" not in shown.stderr


def test_a_list_of_which_none_has_capacity_fails_and_is_not_tried_again(
    dataset: Dataset, sagemaker: str, tmp_path: Path
) -> None:
    rehearse(tmp_path / "sagemaker", {"training_jobs": {"ml.*": {"capacity_error": True}}})
    assert "full: Failed: CapacityError" in error_of(train(dataset, "--yes", name="full"))
    assert record_names() == ["full"]
    shown = CliRunner().invoke(app, ["show", "full"]).stdout
    assert "ml.g5.2xlarge or ml.g4dn.2xlarge: none chosen yet" in shown


def test_types_without_a_quota_are_left_out_before_anything_is_sent(
    dataset: Dataset, sagemaker: str, moto: str, tmp_path: Path
) -> None:
    rehearse(tmp_path / "sagemaker", {"quotas": {"ml.g5.* for training job usage": 0}})
    ran = train(dataset, "--yes", name="dropped")
    assert ran.exit_code == 0, ran.output
    quota = "this account's quota 'ml.g5.2xlarge for training job usage' is 0"
    assert f"note: ml.g5.2xlarge is not tried: {quota}" in ran.stderr.splitlines()
    assert "started dropped on ml.g4dn.2xlarge" in ran.stderr.splitlines()
    refused = train(dataset, "--yes", "--instance-type", "ml.g5.xlarge", name="none", prefix="no-quota")
    assert "--instance-type ml.g5.xlarge: this account's quota for training jobs is 0" in error_of(refused)
    assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="no-quota/").get("Contents")


@pytest.mark.parametrize("quotas", [{"ml.g5.2xlarge": 0}, {"ml.g4dn.2xlarge": 0}])
def test_a_list_that_is_refused_is_tried_type_by_type(
    dataset: Dataset, sagemaker: str, tmp_path: Path, quotas: dict[str, int]
) -> None:
    """AWS refuses a list whole where one type has no quota."""
    told = {f"{kind} for training job usage": limit for kind, limit in quotas.items()}
    rehearse(tmp_path / "sagemaker", {"quotas": told, "calls": UNSEEN})
    ran = train(dataset, "--yes", name="one")
    assert ran.exit_code == 0, ran.output
    assert re.search(
        r"refused: creating .*ResourceLimitExceeded.*; the instance types are tried one by one", ran.stderr
    )
    last, kind = ("one-2", "ml.g4dn.2xlarge") if "ml.g5.2xlarge" in quotas else ("one", "ml.g5.2xlarge")
    assert ran.stdout.splitlines()[0] == f"{last}: Completed"
    assert record_names() == [last]
    assert read_record(last).request["ResourceConfig"]["InstanceType"] == kind


@pytest.mark.parametrize("place", ["where it was started", "another machine"])
@pytest.mark.parametrize(
    ("plan", "attempt"), [(QUOTA_THEN_CAPACITY, "moving-3"), (NO_CAPACITY, "moving-2"), (QUOTAS, "moving-3")]
)
def test_the_name_that_was_given_finds_what_became_of_it(
    dataset: Dataset,
    sagemaker: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plan: dict[str, dict[str, int]],
    attempt: str,
    place: str,
) -> None:
    rehearse(tmp_path / "sagemaker", plan)
    assert train(dataset, *MOVING, name="moving").exit_code == 0
    if place == "another machine":
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    shown = CliRunner().invoke(app, ["show", "moving"])
    assert f"{'name':16}{attempt}" in shown.stdout.splitlines()
    assert f"{'status':16}Completed" in shown.stdout.splitlines()
    kind = {"moving-2": "ml.g5.2xlarge", "moving-3": "ml.g4dn.2xlarge"}[attempt]
    assert f"note: moving was moved on to {kind} and is {attempt} now" in shown.stderr.splitlines()
    assert "validation mIOU: 0.75" in CliRunner().invoke(app, ["logs", "moving"]).stdout
    metrics = json.loads(CliRunner().invoke(app, ["metrics", "moving", "--json"]).stdout)
    assert [epoch["validation_mIOU"] for epoch in metrics] == [0.5, 0.75]
    requests = json.loads(CliRunner().invoke(app, ["deploy", "moving", "--dry-run"]).stdout)
    assert requests["CreateModel"]["PrimaryContainer"]["ModelDataUrl"].endswith(f"/{attempt}/output/model.tar.gz")
    assert requests["CreateEndpoint"]["EndpointName"] == "moving"
    like = json.loads(train(dataset, "--model", "moving", "--dry-run", name="next").stdout)
    assert f"/{attempt}/" in like["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"]
    # each attempt is found by its own name, without a word
    assert "was moved on" not in CliRunner().invoke(app, ["show", attempt]).stderr


def test_a_name_that_was_moved_on_is_taken_and_a_job_that_only_looks_like_an_attempt_is_not_found(
    dataset: Dataset, sagemaker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(dataset, "--yes", name="other-2").exit_code == 0
    rehearse(tmp_path / "sagemaker", QUOTA_THEN_CAPACITY)
    assert train(dataset, *MOVING, name="moving").exit_code == 0
    assert error_of(train(dataset, "--yes", "--instance-type", "ml.g4dn.xlarge", name="moving")) == (
        "moving: a job of that name was started from this folder, and runs as moving-3; choose another --name"
    )
    for home in ("sageseg-home", "elsewhere"):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
        with pytest.raises(SagesegError, match=r"^other: no job of that name"):
            find_training("other")

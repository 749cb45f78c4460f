"""What is left and what it costs; what --delete ends by itself, and what only when a person says so."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aws.errors import AwsError
from jobs.backends import Place
from jobs.endpoints.clear_leftovers import Clearing, describe_leftover, doomed
from jobs.endpoints.commands import _places
from jobs.endpoints.leftovers import Leftover, _all_tags
from jobs.endpoints.records import read_endpoint
from tests.support.aws_setup import ROLE, error_of
from tests.support.emulator_setup import SLEEPS, emulator, request, wait_until
from tests.support.serving_setup import SCHEDULER_ROLE, Served, run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hours have passed."""
    monkeypatch.setattr("aws.names.utc_now", lambda: datetime.now(UTC) + timedelta(hours=3))


def deploy(name: str, *words: str) -> None:
    ran = run("deploy", "cars", "--yes", "--name", name, *words)
    assert ran.exit_code == 0, ran.output


def test_all_that_costs_is_listed_with_its_price_and_lease(aws: Served) -> None:
    deploy("scheduled", "--ttl", "1d", "--scheduler-role", SCHEDULER_ROLE)
    deploy("open")
    ran = run("leftovers")
    lines = {line.split("  ")[0]: line.split("  ")[1:] for line in ran.stdout.splitlines()}
    assert set(lines) == {"endpoint scheduled", "endpoint open", "schedule sageseg-scheduled"}
    assert lines["endpoint open"][:2] == ["InService", "us-east-1"]
    assert lines["endpoint open"][-2:] == ["$4.90/day", "no lease"]
    assert lines["endpoint scheduled"][-1].startswith("lease ends in ")
    assert lines["schedule sageseg-scheduled"][-1] == "free"
    assert ran.stderr.splitlines()[-1] == "3 left, $9.79 per day"
    listed = json.loads(run("leftovers", "--json").stdout)
    assert [found["kind"] for found in listed] == ["endpoint", "endpoint", "schedule"]
    assert [found["usd_per_day"] for found in listed] == pytest.approx([4.896, 4.896, 0.0])


def test_delete_ends_expired_leases_and_what_nothing_uses(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy("expired", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)
    aws.scheduler().delete_schedule(Name="sageseg-expired")  # by somebody's hand
    deploy("leased", "--ttl", "1d", "--scheduler-role", SCHEDULER_ROLE)
    deploy("orphan", "--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)
    sagemaker = aws.sagemaker()
    sagemaker.delete_endpoint(EndpointName="orphan")
    wait_until(lambda: "endpoint orphan" not in aws.left())
    young = run("leftovers")  # configuration and model may belong to what is just being made
    assert "schedule sageseg-orphan" in young.stdout
    assert "configuration orphan" not in young.stdout
    monkeypatch.setattr("aws.names.utc_now", lambda: datetime.now(UTC) + timedelta(hours=3))
    ran = run("leftovers")
    assert re.search("lease ended (60 min|1 h 00 min) ago", ran.stdout)
    assert "sageseg jobs leftovers --delete deletes 4 of them" in ran.stderr
    ran = run("leftovers", "--delete")
    assert ran.exit_code == 0, ran.output
    assert sorted(ran.stdout.splitlines()) == [
        "configuration expired: deleted",
        "configuration orphan: deleted",
        "endpoint expired: deleted",
        "model expired: deleted",
        "model orphan: deleted",
        "schedule sageseg-expired: gone already",
        "schedule sageseg-orphan: deleted",
    ]
    wait_until(lambda: aws.left() == ["endpoint leased", "config leased", "model leased", "schedule sageseg-leased"])
    assert read_endpoint("expired") is None
    again = run("leftovers", "--delete")
    assert again.stdout == ""
    assert "nothing to delete; 2 still at work" in again.stderr
    assert "endpoint leased: still at work, and nobody is there to ask; add --yes" in error_of(
        run("leftovers", "--delete", "--all")
    )
    assert "add --delete" in error_of(run("leftovers", "--all"))
    assert run("leftovers", "--delete", "--all", "--yes").exit_code == 0
    wait_until(lambda: aws.left() == [])


def test_what_others_made_is_neither_shown_nor_touched(aws: Served, later: None) -> None:
    sagemaker, container = aws.sagemaker(), aws.record.request["AlgorithmSpecification"]["TrainingImage"]
    uri = "s3://cars/one/output/cars/output/model.tar.gz"
    sagemaker.create_model(
        ModelName="theirs", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": container, "ModelDataUrl": uri}
    )
    variant = {"VariantName": "a", "ModelName": "theirs", "InstanceType": "ml.c5.xlarge", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=[variant])
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:stopTrainingJob", "RoleArn": ROLE, "Input": "{}"}
    aws.scheduler().create_schedule(
        Name="sageseg-theirs", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    assert run("leftovers").stdout == ""
    assert run("leftovers", "--delete", "--all", "--yes").stdout == ""
    assert aws.left() == ["config theirs", "model theirs", "schedule sageseg-theirs"]


def test_an_endpoint_that_failed_goes_and_one_that_is_being_made_is_told(aws: Served) -> None:
    aws.rehearse(endpoints={"failed": {"ping_fails": True}, "slow": {"start_seconds": 1}})
    deploy("failed", "--no-wait")
    wait_until(lambda: aws.endpoint() == "Failed")
    assert run("leftovers").stdout.splitlines()[0].endswith("free  no lease  unused")
    deploy("slow", "--no-wait")
    ran = run("leftovers", "--delete", "--all", "--yes")
    assert error_of(ran) == "1 of 2 could not be deleted; run it again in a few minutes"
    assert "endpoint slow: not deleted (endpoint slow: Creating, and until that is over" in ran.stdout
    assert "endpoint failed: deleted" in ran.stdout


def test_who_may_not_look_at_schedules_is_told(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from aws.clients import make_client

    class Refuses:
        def get_paginator(self, _: str) -> Any:
            raise AwsError("listing schedules", "AccessDeniedException", "scheduler:ListSchedules is not allowed")

    def client(service: str, *rest: Any) -> Any:
        return Refuses() if service == "scheduler" else make_client(service, *rest)

    monkeypatch.setattr("jobs.endpoints.leftovers.make_client", client)
    ran = run("leftovers")
    assert ran.exit_code == 0, ran.output
    assert "note: listing schedules: AccessDeniedException: scheduler:ListSchedules is not allowed" in ran.stderr


def test_running_jobs_go_only_by_their_own_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    """On this machine's emulator, which needs no region."""
    home = tmp_path / "emulated" / "home"
    monkeypatch.setenv("SAGESEG_HOME", str(home))
    tags = [{"Key": "sageseg:dataset", "Value": "0123"}]
    with emulator(tmp_path / "emulated", SLEEPS) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path, "ours", Tags=tags))
        sagemaker.create_training_job(**request(tmp_path, "theirs", Tags=[]))
        ran = run("leftovers")
        assert ran.stdout.startswith("training job ours  InProgress  local  ")
        assert ran.stdout.endswith("free\n")
        assert ran.stdout.count("\n") == 1
        assert "note: no AWS region is configured, so AWS was not asked" in ran.stderr
        assert "nothing to delete; 1 still at work" in run("leftovers", "--delete", "--all", "--yes").stderr
        refused = error_of(run("leftovers", "--delete", "--stop-jobs"))
        assert refused == "training job ours: still at work, and nobody is there to ask; add --yes"
        ran = run("leftovers", "--delete", "--stop-jobs", "--yes")
        assert ran.stdout == "training job ours: stopping\n"
        assert sagemaker.describe_training_job(TrainingJobName="theirs")["TrainingJobStatus"] == "InProgress"
        status = sagemaker.describe_training_job(TrainingJobName="ours")["TrainingJobStatus"]
        assert status in ("Stopping", "Stopped")


def left(kind: str, **also: Any) -> Leftover:
    return Leftover(kind, "a", "aws", "us-east-1", "", NOW - timedelta(days=3), **also)


ENDED, AHEAD = NOW - timedelta(minutes=1), NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("one", "goes"),
    [
        (left("endpoint"), (False, True, False)),
        (left("endpoint", until=AHEAD), (False, True, False)),
        (left("endpoint", until=ENDED), (True, True, True)),
        (left("endpoint", until=NOW), (True, True, True)),
        (left("endpoint", unused=True), (True, True, True)),
        (left("schedule"), (False, False, False)),
        (left("schedule", unused=True), (True, True, True)),
        (left("model", unused=True), (True, True, True)),
        (left("training job"), (False, False, True)),
        (left("tuning job"), (False, False, True)),
        (left("transform job"), (False, False, True)),
    ],
)
def test_what_goes_by_which_word(one: Leftover, goes: tuple[bool, bool, bool]) -> None:
    words = (Clearing(), Clearing(everything=True), Clearing(stop_jobs=True))
    assert tuple(doomed([one], clearing, NOW) == [one] for clearing in words) == goes


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            left("endpoint", usd_per_day=4.896, until=AHEAD),
            "endpoint a  us-east-1  3 days old  $4.90/day  lease ends in",
        ),
        (left("endpoint", usd_per_day=None), "endpoint a  us-east-1  3 days old  price unknown  no lease"),
        (left("tuning job", usd_per_day=None), "tuning job a  us-east-1  3 days old  paid for as its training jobs"),
        (left("model", unused=True), "model a  us-east-1  3 days old  free  unused"),
    ],
)
def test_one_line_tells_age_price_and_lease(one: Leftover, line: str) -> None:
    assert describe_leftover(one, NOW).startswith(line)


@pytest.mark.parametrize(
    ("emulator", "asked"), [("http://127.0.0.1:1", ["aws"]), ("http://127.0.0.1:2", ["local", "aws"])]
)
def test_an_emulator_that_stands_for_aws_is_asked_once(
    emulator: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(backend: str, region: str) -> Place:
        url = emulator if backend == "local" else "http://127.0.0.1:1"
        return Place(backend, region, SimpleNamespace(meta=SimpleNamespace(endpoint_url=url)))

    monkeypatch.setattr("jobs.backends.emulator_was_here", lambda: True)
    monkeypatch.setattr("jobs.backends.open_place", opened)
    assert [place.backend for place in _places("us-east-1")] == asked


def test_what_goes_between_the_list_and_its_tags_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def tags(_: Any, arn: str) -> dict[str, str]:
        if arn == "gone":
            raise AwsError("reading the tags", "ValidationException", "Requested resource not found")
        return {"sageseg:job": "cars"}

    monkeypatch.setattr("jobs.endpoints.leftovers.tags_of", tags)
    place = Place("aws", "us-east-1", None)
    assert _all_tags(place, ["gone", "there"]) == {"gone": {}, "there": {"sageseg:job": "cars"}}

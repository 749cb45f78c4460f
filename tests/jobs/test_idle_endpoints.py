"""Endpoints that cost nothing while nobody asks them: made, asked, asleep and awake, deleted, and what remains."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aws.clients import NetworkError
from aws.errors import AwsError
from formats.masks import read_mask
from formats.predictions import open_predictions
from jobs.creating import UnknownOutcomeError
from jobs.endpoints.queued import Queue
from jobs.endpoints.records import read_endpoint
from jobs.endpoints.scaling import alarm_name
from tests.support.aws_setup import aws_client, error_of
from tests.support.emulator_setup import wait_until
from tests.support.serving_setup import Served, expected_mask, nothing_written, predict, run

FOLDER = "one/output/cars/async/"


def deploy(*words: str) -> Any:
    ran = run("deploy", "cars", "--yes", *words)
    assert ran.exit_code == 0, ran.output
    return ran


def check_masks(aws: Served, out: Path) -> None:
    ids = [row.id for row in open_predictions(out).rows]
    assert ids == [row.id for row in aws.dataset.kept("val")]
    for row_id in ids:
        np.testing.assert_array_equal(read_mask(out / "masks" / f"{row_id}.png"), expected_mask(aws.dataset, row_id))


def scaled(aws: Served) -> list[str]:
    """The endpoints that may sleep, as Application Auto Scaling tells them, and those that an alarm wakes."""
    scaling = aws_client("application-autoscaling", aws.emulator_url)
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    alarms = aws_client("cloudwatch", aws.url).describe_alarms()["MetricAlarms"]
    return [*(target["ResourceId"] for target in targets), *(alarm["AlarmName"] for alarm in alarms)]


def instances(aws: Served, name: str = "cars") -> int:
    (variant,) = aws.sagemaker().describe_endpoint(EndpointName=name)["ProductionVariants"]
    count: int = variant["CurrentInstanceCount"]
    return count


def test_a_serverless_endpoint_from_its_quote_to_its_end(aws: Served, tmp_path: Path) -> None:
    ran = deploy("--serverless", "--name", "idle", "--memory", "3072", "--max-concurrency", "2")
    assert (
        "serverless, 3072 MB, at most 2 at a time: nothing while nobody asks, $0.216 per hour of answering (this "
        "project's table of 2026-11-29), and data in and out on top; at worst $10.37 per day, if 2 answer without pause"
    ) in ran.stderr
    config = aws.sagemaker().describe_endpoint_config(EndpointConfigName="idle")
    (variant,) = config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 2}
    assert "InstanceType" not in variant
    ran = predict(aws, tmp_path / "out", "--via", "endpoint")
    assert "note: endpoint idle answers at most 2 at a time, so --parallel 8 is lowered to that" in ran.stderr
    check_masks(aws, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert (told["endpoint_instance_type"], told["endpoint_instances"]) == ("serverless, 3072 MB", 0)
    shown = run("show", "idle").stdout.splitlines()
    assert shown[:4] == [
        "endpoint        idle",
        "status          InService",
        "serves          cars",
        "runs on         serverless, 3072 MB, at most 2 at a time",
    ]
    assert shown[5:] == [
        "cost            free  3072 MB serverless: nothing while nobody asks, $0.216 per hour of answering",
        "lease           no lease",
    ]
    assert json.loads(run("show", "idle", "--json").stdout)["EndpointName"] == "idle"
    (line,) = run("leftovers").stdout.splitlines()
    assert line.endswith("free  3072 MB serverless: nothing while nobody asks, $0.216 per hour of answering  no lease")
    assert run("delete", "idle").stdout.splitlines() == [
        "endpoint idle: deleted",
        "configuration idle: deleted",
        "model idle: deleted",
    ]


def test_an_asynchronous_endpoint_sleeps_wakes_and_leaves_nothing(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(endpoints={"*": {"sleeps_after_seconds": 0}})
    ran = deploy("--async", "--max-instances", "3")
    assert (
        "ml.c5.xlarge, asynchronous, 0 to 3: nothing while it sleeps, $0.204 per hour for each that is awake (this "
        "project's table of 2026-11-21); at worst $14.69 per day, if it never sleeps"
    ) in ran.stderr
    assert "started endpoint cars on ml.c5.xlarge, asynchronous" in ran.stderr
    assert "asked it once, car0_01.jpg: a mask of 24 × 16 pixels came back" in ran.stderr
    assert "it sleeps when nothing waits for it: about a quarter of an hour after its last answer" in ran.stderr
    assert scaled(aws) == ["endpoint/cars/variant/AllTraffic", alarm_name("cars")]
    (alarm,) = aws_client("cloudwatch", aws.url).describe_alarms()["MetricAlarms"]
    assert alarm["AlarmActions"][0].endswith("endpoint/cars/variant/AllTraffic:policyName/sageseg-from-none")
    wait_until(lambda: instances(aws) == 0)
    lines = run("leftovers").stdout.splitlines()
    assert lines[0].endswith("free  asynchronous, asleep, $4.90/day for each that is awake  no lease")
    assert lines[1].startswith("scaling cars  us-east-1  ")
    ran = predict(aws, tmp_path / "out", "--via", "endpoint")
    assert ran.exit_code == 0, ran.output
    assert "note: endpoint cars sleeps; the first answer comes when an instance has started" in ran.stderr
    check_masks(aws, tmp_path / "out")
    assert aws.keys(FOLDER) == []
    aws_client("s3", aws.url).put_object(Bucket="cars", Key=f"{FOLDER}cars/images/left.jpg", Body=b"by a kill")
    assert run("delete", "cars").stdout.splitlines() == [
        "scaling cars: deleted",
        "endpoint cars: deleted",
        "configuration cars: deleted",
        "model cars: deleted",
    ]
    assert (scaled(aws), aws.keys(FOLDER), read_endpoint("cars")) == ([], [], None)


def test_what_a_model_does_not_answer_is_one_line_and_leaves_nothing(
    aws: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("--async")
    ran = predict(aws, tmp_path / "out", "--via", "endpoint", "--probabilities")
    assert ran.exit_code == 0, ran.output  # the second name of probabilities is taken
    ask = Queue.ask
    monkeypatch.setattr(Queue, "ask", lambda self, at, name, body, _accept: ask(self, at, name, body, "image/gif"))
    ran = predict(aws, tmp_path / "none", "--via", "endpoint")
    assert 'Received client error (406) from primary with message "not answered"' in error_of(ran)
    assert nothing_written(tmp_path / "none")
    assert aws.keys(FOLDER) == []


def test_a_deployment_whose_end_nobody_heard_goes_on_with_the_endpoint(
    aws: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> None:
        raise UnknownOutcomeError("setting the scaling of endpoint cars: no answer; run the same command again")

    with monkeypatch.context() as patch:
        patch.setattr("jobs.endpoints.deploy.set_scaling", lost)
        ran = run("deploy", "cars", "--yes", "--async")
        assert error_of(ran).endswith("run the same command again")
        assert "endpoint cars may remain and costs $4.90 per day; sageseg jobs delete cars removes it" in ran.stderr
    assert (aws.endpoint(), scaled(aws)) == ("InService", [])
    ran = deploy("--async")
    assert "note: endpoint cars was begun at " in ran.stderr
    record = read_endpoint("cars")
    assert record is not None
    assert (record.scaled, len(scaled(aws))) == (True, 2)
    assert "endpoint cars: is there already (InService)" in error_of(run("deploy", "cars", "--yes", "--async"))


def test_of_two_deployments_of_one_name_the_first_stays(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other begins while the first one's price is agreed to, or makes its model on another machine."""
    with monkeypatch.context() as patch:

        def agree(*_: Any) -> None:
            patch.undo()
            deploy("--async")

        patch.setattr("jobs.endpoints.commands._agreed_quote", agree)
        taken = error_of(run("deploy", "cars", "--yes"))
    assert taken.startswith("endpoint cars: is there already (InService); sageseg jobs delete cars removes it")
    assert (aws.endpoint(), len(aws.left())) == ("InService", 3)
    assert run("delete", "cars").exit_code == 0
    wait_until(lambda: aws.left() == [])
    deploy("--no-wait")
    monkeypatch.setattr("jobs.endpoints.deploy._left_over", lambda *_: [])
    assert "Cannot create already existing model" in error_of(run("deploy", "cars", "--yes"))
    wait_until(lambda: aws.endpoint() == "InService")
    assert len(aws.left()) == 3


def test_an_endpoint_that_would_never_sleep_is_not_left(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        said = "User: arn:aws:iam::1:user/me is not authorized to perform: application-autoscaling:PutScalingPolicy"
        raise AwsError("setting the scaling of endpoint cars", "AccessDeniedException", said)

    monkeypatch.setattr("jobs.endpoints.deploy.set_scaling", refuse)
    said = error_of(run("deploy", "cars", "--yes", "--async"))
    assert said.startswith("--async: nothing would put endpoint cars to sleep: setting the scaling of endpoint cars")
    assert said.endswith("sageseg jobs policy --scaling writes the permissions")
    wait_until(lambda: aws.left() == [])
    assert read_endpoint("cars") is None


def test_scaling_that_could_not_be_deleted_is_deleted_by_the_same_line(
    aws: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AwsError("deleting alarm sageseg-cars-waits", "AccessDeniedException", "not allowed")

    deploy("--async")
    with monkeypatch.context() as patch:
        patch.setattr("jobs.endpoints.scaling._remove_alarm", refuse)
        told = run("delete", "cars").stdout
    assert re.search(
        r"^scaling cars: may remain \(.*\); sageseg jobs delete cars, typed again, removes it$", told, re.M
    )
    wait_until(lambda: not aws.endpoint())
    assert len(scaled(aws)) == 2
    assert "scaling cars: deleted\n" in run("delete", "cars").stdout
    assert (scaled(aws), read_endpoint("cars")) == ([], None)


def test_what_a_lease_leaves_of_scaling_is_found_and_deleted(aws: Served) -> None:
    deploy("--async", "--name", "leased")
    aws.sagemaker().delete_endpoint(EndpointName="leased")  # as the schedule does, which knows nothing of the rest
    wait_until(lambda: not aws.endpoint())
    assert re.search(r"^scaling leased .* free  unused$", run("leftovers").stdout, re.MULTILINE)
    assert "scaling leased: deleted" in run("leftovers", "--delete").stdout
    assert scaled(aws) == []


def test_who_may_not_look_at_scaling_is_told(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise AwsError("listing scaling policies", "AccessDeniedException", "not allowed")

    monkeypatch.setattr("jobs.endpoints.leftovers.scaled_endpoints", refuse)
    ran = run("leftovers")
    assert ran.exit_code == 0, ran.output
    assert "note: listing scaling policies: AccessDeniedException: not allowed" in ran.stderr


def test_a_network_that_fails_while_an_answer_is_awaited_is_tried_again(
    aws: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.endpoints.stores import S3Store

    find, failing = S3Store.find, iter(range(2))

    def fails(self: S3Store, name: str) -> bytes | None:
        if next(failing, None) is not None:
            raise NetworkError(f"fetching {name}")
        return find(self, name)

    deploy("--async")
    monkeypatch.setattr(S3Store, "find", fails)
    monkeypatch.setattr("jobs.endpoints.invocations.sleep", lambda _: None)
    ran = predict(aws, tmp_path / "out", "--via", "endpoint", "--parallel", "1")
    assert ran.exit_code == 0, ran.output
    check_masks(aws, tmp_path / "out")

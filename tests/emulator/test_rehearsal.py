"""Failures and quotas on request, by rehearsal.yaml: every branch of a workflow is met on purpose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.emulator.host.rehearsal import Rehearsal, RehearsalPlan, TrainingTrouble, read_plan, trouble_of
from jobs.emulator.server import running_server
from tests.support.emulator_setup import (
    GOOD,
    SLEEPS,
    client,
    create_model,
    emulator,
    messages,
    rehearse,
    request,
    wait_for_end,
    wait_until,
)

STEPS = """
for step in range(1, 4):
    print(f"#progress_metric: host=algo-1, completed {step} % of epochs")
print("trained to the end")
"""
RESUMES = """
import os, time
epochs, steps = root / "checkpoints" / "epochs", Path(os.environ["STEPS"])
done = int(epochs.read_text()) if epochs.exists() else 0
print("from epoch", done)
for epoch in range(done + 1, 5):
    epochs.write_text(str(epoch))
    with steps.open("a") as file:
        file.write(".")
    print(f"#progress_metric: host=algo-1, completed {25 * epoch} % of epochs")
    if str(len(steps.read_text())) in os.environ["INTERRUPTED"]:
        time.sleep(60)
(root / "model" / "weights").write_text("trained")
"""
SPOT: dict[str, Any] = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
}


def statuses(described: dict[str, Any]) -> list[str]:
    return [transition["Status"] for transition in described["SecondaryStatusTransitions"]]


def streams(logs: Any, name: str) -> list[str]:
    found = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/")[
        "logStreams"
    ]
    return [stream["logStreamName"] for stream in found]


def test_a_capacity_error_for_one_instance_type(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"ml.m5.*": {"capacity_error": True}}})
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path, "first"))
        resources = {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}
        sagemaker.create_training_job(**request(tmp_path, "second", ResourceConfig=resources))
        first, second = wait_for_end(sagemaker, "first"), wait_for_end(sagemaker, "second")
    assert statuses(first) == ["Starting", "Failed"]
    assert first["FailureReason"] == (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert second["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(("step", "logged"), [(0, 0), (2, 2)])
def test_an_algorithm_error_with_its_message(tmp_path: Path, step: int, logged: int) -> None:
    rehearse(tmp_path, {"training_jobs": {"job": {"algorithm_error": "CUDA out of memory", "fail_at_step": step}}})
    with emulator(tmp_path, STEPS + SLEEPS) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path))
        described = wait_for_end(sagemaker)
        if logged:
            assert len([line for line in messages(logs) if line.startswith("#progress")]) >= logged
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: CUDA out of memory, exit code: 1"


def test_a_slow_start_can_be_stopped(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"*": {"start_seconds": 600}}})
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        assert sagemaker.describe_training_job(TrainingJobName="job")["SecondaryStatus"] == "Starting"
        sagemaker.stop_training_job(TrainingJobName="job")
        assert statuses(wait_for_end(sagemaker)) == ["Starting", "Stopping", "Stopped"]


def test_an_interrupted_spot_job_resumes_from_its_checkpoints(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"job": {"interrupt_at_steps": [2, 3]}}})
    checkpoints = {"S3Uri": (tmp_path / "checkpoints").as_uri(), "LocalPath": "/opt/ml/checkpoints"}
    with emulator(tmp_path, RESUMES) as (sagemaker, logs, _):
        environment = {"STEPS": str(tmp_path / "steps"), "INTERRUPTED": "23"}
        asked = request(tmp_path, CheckpointConfig=checkpoints, Environment=environment, **SPOT)
        sagemaker.create_training_job(**asked)
        described = wait_for_end(sagemaker)
        names = streams(logs, "job")
        first_lines = [
            logs.get_log_events(
                logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=name, startFromHead=True, limit=1
            )["events"][0]["message"]
            for name in names
        ]
    again = ["Interrupted", "Starting", "Downloading", "Training"]
    assert statuses(described) == ["Starting", "Downloading", "Training", *again, *again, "Uploading", "Completed"]
    assert first_lines == ["from epoch 0", "from epoch 2", "from epoch 3"]
    assert described["BillableTimeInSeconds"] <= described["TrainingTimeInSeconds"]
    assert (tmp_path / "out" / "job" / "output" / "model.tar.gz").exists()


def test_without_checkpoints_a_spot_job_begins_anew(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"job": {"interrupt_at_steps": 1}}})
    with emulator(tmp_path, RESUMES) as (sagemaker, logs, _):
        environment = {"STEPS": str(tmp_path / "steps"), "INTERRUPTED": "1"}
        sagemaker.create_training_job(**request(tmp_path, Environment=environment, **SPOT))
        wait_for_end(sagemaker)
        names = streams(logs, "job")
        last = logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=names[1])["events"]
    assert last[0]["message"] == "from epoch 0"


def test_only_spot_jobs_are_interrupted(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"job": {"interrupt_at_steps": 1}}})
    with emulator(tmp_path, STEPS) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        assert "Interrupted" not in statuses(wait_for_end(sagemaker))


def test_a_spot_job_that_waits_too_long(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"job": {"start_seconds": 600}}})
    limits = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path, EnableManagedSpotTraining=True, StoppingCondition=limits))
        described = wait_for_end(sagemaker)
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_a_quota_refuses_what_goes_beyond_it(tmp_path: Path) -> None:
    rehearse(
        tmp_path,
        {
            "quotas": {
                "ml.p3.* for training job usage": 0,
                "ml.m5.large for training job usage": 1,
                "ml.m5.large for endpoint usage": 0,
            }
        },
    )
    with emulator(tmp_path, SLEEPS, grace_seconds=0) as (sagemaker, _, _):
        resources = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}
        text = re.escape(
            "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
            "utilization of 0 Instances and a request delta of 1 Instances."
        )
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded, match=text):
            sagemaker.create_training_job(**request(tmp_path, ResourceConfig=resources))
        sagemaker.create_training_job(**request(tmp_path, "running"))
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded, match="current utilization of 1 Instances"):
            sagemaker.create_training_job(**request(tmp_path, "second"))
        sagemaker.create_training_job(**request(tmp_path, "spot", **SPOT))  # a quota of its own
        create_model(sagemaker, tmp_path)
        variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded, match="ml.m5.large for endpoint usage"):
            sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        for name in ("running", "spot"):
            sagemaker.stop_training_job(TrainingJobName=name)
            wait_for_end(sagemaker, name)
        sagemaker.create_training_job(**request(tmp_path, "third"))
        assert sagemaker.list_endpoints()["Endpoints"] == []


def test_calls_are_throttled_as_often_as_asked(tmp_path: Path) -> None:
    rehearse(tmp_path, {"calls": {"ListTrainingJobs": 2}})
    with emulator(tmp_path) as (sagemaker, _, _):
        for _ in range(2):
            with pytest.raises(sagemaker.exceptions.ClientError, match=r"\(ThrottlingException\).*Rate exceeded"):
                sagemaker.list_training_jobs()
        assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_running_server_heeds_a_new_file(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.list_training_jobs()
        rehearse(tmp_path, {"calls": {"ListTrainingJobs": 1}})
        with pytest.raises(sagemaker.exceptions.ClientError, match="Rate exceeded"):
            sagemaker.list_training_jobs()
        (tmp_path / "home" / "rehearsal.yaml").write_text("calls: [1, 2, 3]")
        with pytest.raises(sagemaker.exceptions.ClientError, match=r"rehearsal\.yaml: calls is \[1, 2, 3\]"):
            sagemaker.list_training_jobs()
        (tmp_path / "home" / "rehearsal.yaml").unlink()
        assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


WRONG = {
    "no YAML": ("a: [", "cannot be read as YAML"),
    "a list": ("[1]", r"the file is \[1\]; expected names with values"),
    "section": ("jobs: {}", "'jobs' is not known; expected one of training_jobs, endpoints"),
    "setting": (
        "training_jobs: {a: {capacity: true}}",
        "training_jobs.a: 'capacity' is not known; expected one of cap",
    ),
    "truth": ("training_jobs: {a: {capacity_error: 1}}", "capacity_error is 1; expected true or false"),
    "time": ("endpoints: {a: {start_seconds: -1}}", "start_seconds is -1; expected a number, 0 or above"),
    "endless": ("endpoints: {a: {start_seconds: .inf}}", "start_seconds is inf; expected a number"),
    "step": ("training_jobs: {a: {interrupt_at_steps: [one]}}", "'one'; expected a whole number"),
    "answer": ("endpoints: {a: {answers: [404]}}", "answers holds 404; expected ok, throttle, 500, 503, model-error"),
    "quota": ("quotas: {ml.p3: none}", "quotas.ml.p3 is 'none'; expected a whole number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_no_plan(tmp_path: Path, case: str) -> None:
    content, message = WRONG[case]
    (tmp_path / "rehearsal.yaml").write_text(content)
    with pytest.raises(SagesegError, match=rf"rehearsal\.yaml: .*{message}"):
        read_plan(tmp_path / "rehearsal.yaml")


def test_a_server_does_not_start_over_a_file_that_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "rehearsal.yaml").write_text("jobs: {}")
    with pytest.raises(SagesegError, match="'jobs' is not known"), running_server(tmp_path):
        pass


def test_the_first_pattern_that_matches_decides() -> None:
    given = {"fcn-*": TrainingTrouble(start_seconds=1), "*": TrainingTrouble(start_seconds=2)}
    assert trouble_of(given, TrainingTrouble(), "fcn-1", "ml.m5.large").start_seconds == 1
    assert trouble_of(given, TrainingTrouble(), "psp-1", "ml.m5.large").start_seconds == 2
    assert trouble_of({}, TrainingTrouble(), "psp-1", "ml.m5.large") == TrainingTrouble()


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "rehearsal.yaml").write_text("")
    assert Rehearsal(tmp_path / "rehearsal.yaml").plan() == RehearsalPlan()


def test_jobs_can_be_deleted_once_they_have_ended(tmp_path: Path) -> None:
    with emulator(tmp_path, GOOD + SLEEPS, grace_seconds=0) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path))
        with pytest.raises(sagemaker.exceptions.ResourceInUse, match="is in status InProgress"):
            sagemaker.delete_training_job(TrainingJobName="job")
        with pytest.raises(sagemaker.exceptions.ResourceNotFound):
            sagemaker.delete_training_job(TrainingJobName="absent")
        wait_until(lambda: streams_or_none(logs) != [])
        sagemaker.stop_training_job(TrainingJobName="job")
        wait_for_end(sagemaker)
        sagemaker.delete_training_job(TrainingJobName="job")
        assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
        assert streams_or_none(logs) == []
        sagemaker.create_training_job(**request(tmp_path))  # the name is free again
        sagemaker.stop_training_job(TrainingJobName="job")
        wait_for_end(sagemaker)


def streams_or_none(logs: Any) -> list[str]:
    try:
        return streams(logs, "job")
    except logs.exceptions.ResourceNotFoundException:
        return []


def test_what_lies_in_output_data_is_kept_beside_the_model(tmp_path: Path) -> None:
    source = GOOD + '\n(root / "output" / "data" / "curve.png").write_text("a curve")'
    with emulator(tmp_path, source) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        wait_for_end(sagemaker)
    assert sorted(path.name for path in (tmp_path / "out/job/output").iterdir()) == ["model.tar.gz", "output.tar.gz"]


def test_own_metric_definitions_are_read_from_the_log(tmp_path: Path) -> None:
    asked = request(tmp_path)
    asked["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": r"loss=(\S+)"}]
    with emulator(tmp_path, 'print("loss=0.5")\nprint("loss=0.25")') as (sagemaker, _, _):
        sagemaker.create_training_job(**asked)
        described = wait_for_end(sagemaker)
    assert [(m["MetricName"], m["Value"]) for m in described["FinalMetricDataList"]] == [("loss", 0.25)]


def test_tags_are_added_and_replaced(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        arn = create_model(sagemaker, tmp_path)
        added = [{"Key": "team", "Value": "a"}, {"Key": "größe", "Value": "klein"}]
        assert sagemaker.add_tags(ResourceArn=arn, Tags=added)["Tags"] == added
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}])
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "b", "größe": "klein"}
        many = [{"Key": f"key-{number}", "Value": ""} for number in range(49)]
        with pytest.raises(sagemaker.exceptions.ClientError, match="exceeds the limit of 50"):
            sagemaker.add_tags(ResourceArn=arn, Tags=many)


def listing(*kinds: str) -> dict[str, Any]:
    """A ResourceConfig with a list of instance types."""
    return {"InstanceCount": 1, "VolumeSizeInGB": 10, "InstancePreferences": [{"InstanceType": k} for k in kinds]}


@pytest.mark.parametrize(
    ("full", "chosen"),
    [([], "ml.g5.2xlarge"), (["ml.g5.*"], "ml.g4dn.2xlarge"), (["ml.g5.*", "ml.g4dn.*"], None)],
)
def test_of_a_list_the_first_type_with_capacity_is_chosen(tmp_path: Path, full: list[str], chosen: str | None) -> None:
    rehearse(tmp_path, {"training_jobs": {kind: {"capacity_error": True} for kind in full}})
    tells = 'print((root / "input/config/resourceconfig.json").read_text())'
    with emulator(tmp_path, f"{GOOD}\n{tells}") as (sagemaker, logs, _):
        asked = listing("ml.g5.2xlarge", "ml.g4dn.2xlarge")
        sagemaker.create_training_job(**request(tmp_path, ResourceConfig=asked))
        described = wait_for_end(sagemaker)
        if chosen is None:
            assert described["FailureReason"].startswith("CapacityError")
            assert described["ResourceConfig"] == asked
            return
        selected = {"SelectedInstanceType": chosen, "SelectedInstanceCount": 1}
        assert described["ResourceConfig"] == {**asked, **selected}
        assert f'"current_instance_type": "{chosen}"' in "\n".join(messages(logs))


def test_while_a_list_waits_for_capacity_nothing_is_chosen(tmp_path: Path) -> None:
    rehearse(tmp_path, {"training_jobs": {"*": {"start_seconds": 600}}})
    with emulator(tmp_path) as (sagemaker, _, _):
        asked = listing("ml.g5.2xlarge", "ml.g4dn.2xlarge")
        sagemaker.create_training_job(**request(tmp_path, ResourceConfig=asked))
        assert sagemaker.describe_training_job(TrainingJobName="job")["ResourceConfig"] == asked
        sagemaker.stop_training_job(TrainingJobName="job")
        wait_for_end(sagemaker)


@pytest.mark.parametrize("without", ["ml.g5.2xlarge", "ml.g4dn.2xlarge"])
def test_one_missing_quota_refuses_the_whole_list(tmp_path: Path, without: str) -> None:
    rehearse(tmp_path, {"quotas": {f"{without} for training job usage": 0}})
    with emulator(tmp_path) as (sagemaker, _, _):
        asked = request(tmp_path, ResourceConfig=listing("ml.g5.2xlarge", "ml.g4dn.2xlarge"))
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded, match=f"'{without} for training job usage'"):
            sagemaker.create_training_job(**asked)
        assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_service_quotas_tells_the_rehearsed_ones(tmp_path: Path) -> None:
    quotas = {"ml.p3.* for training job usage": 0, "ml.g5.xlarge for spot training job usage": 2}
    rehearse(tmp_path, {"quotas": quotas})
    with emulator(tmp_path) as (_, _, server), client("service-quotas", server.url) as service_quotas:
        pages = service_quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        told = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
        assert service_quotas.list_service_quotas(ServiceCode="ec2")["Quotas"] == []
    assert told == {
        "ml.p3.2xlarge for training job usage": 0,
        "ml.p3.8xlarge for training job usage": 0,
        "ml.p3.16xlarge for training job usage": 0,
        "ml.g5.xlarge for spot training job usage": 2,
    }

"""Executions of pipelines, seen by an unmodified boto3 client: their steps, their values, how they end and go on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.emulator.pipelines.retries import exception_of_job
from tests.emulator import test_tuning
from tests.support import transform_setup
from tests.support.emulator_setup import (
    SLEEPS,
    client,
    emulator,
    killable_emulator,
    programs,
    rehearse,
    wait_until,
)
from tests.support.pipeline_setup import (
    SCORES,
    compare,
    condition,
    create,
    describe,
    fail,
    get,
    job_of,
    processing,
    start,
    statuses,
    steps_of,
    training,
    wait_for_end,
)
from tests.support.processing_setup import fill, source

SCORE_FILE = {"PropertyFileName": "Scores", "OutputName": "out", "FilePath": "scores.json"}
LOW = {"Std:JsonGet": {"PropertyFile": get("Steps.Score.PropertyFiles.Scores"), "Path": "iou.low"}}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Any, Path]]:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SCORES) as (sagemaker, _, _):
        yield sagemaker, tmp_path


def test_an_experiment_passes_its_gate(served: tuple[Any, Path]) -> None:
    """Processing, training, model, transform, scoring, and a gate on a score's lower bound."""
    sagemaker, folder = served
    batch = transform_setup.asked(folder, ModelName=get("Steps.Serve.ModelName"))
    del batch["TransformJobName"]
    transform_setup.fill(folder, a=b"one")
    container = {
        "Image": "sageseg:local",
        "ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"),
    }
    create(
        sagemaker,
        processing(folder, "Prep"),
        training(folder, DependsOn=["Prep"]),
        {"Name": "Serve", "Type": "Model", "Arguments": {"PrimaryContainer": container}},
        {"Name": "Predict", "Type": "Transform", "Arguments": batch},
        processing(folder, "Score", PropertyFiles=[SCORE_FILE], DependsOn=["Predict"]),
        condition(
            "Gate",
            compare("GreaterThanOrEqualTo", LOW, get("Parameters.Least")),
            then=[processing(folder, "Good")],
            otherwise=[fail(message={"Std:Join": {"On": " ", "Values": ["low:", LOW]}})],
        ),
        Parameters=[{"Name": "Least", "Type": "Float", "DefaultValue": 0.4}],
    )
    good, bad = start(sagemaker), start(sagemaker, parameters={"Least": "0.9"})
    assert wait_for_end(sagemaker, good)["PipelineExecutionStatus"] == "Succeeded"
    assert list(statuses(sagemaker, good)) == ["Prep", "Train", "Serve", "Predict", "Score", "Gate", "Good"]
    assert steps_of(sagemaker, good)["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    ended = wait_for_end(sagemaker, bad)
    assert (ended["PipelineExecutionStatus"], ended["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed.",
    )
    stop = steps_of(sagemaker, bad)["Stop"]
    assert (stop["FailureReason"], stop["Metadata"]) == ("low: 0.5", {"Fail": {"ErrorMessage": "low: 0.5"}})
    names = {name: job_of(step) for name, step in steps_of(sagemaker, good).items() if name not in ("Gate",)}
    number = good.rpartition("/")[2]
    assert all(re.fullmatch(rf"pipelines-{number}-{n}-[A-Za-z0-9]{{10}}", job) for n, job in names.items())


def test_values_of_parameters_execution_and_steps_reach_a_job(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    told = {
        "A": {"Std:Join": {"On": "/", "Values": [get("Parameters.Word"), get("Parameters.Number"), True]}},
        "B": get("Execution.PipelineName"),
        "C": get("Steps.First.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"),
        "D": get("Steps.First.ProcessingInputs[0].InputName"),
        "E": get("PipelineExperimentConfig.ExperimentName"),
    }
    second = processing(folder, "Second", Arguments={"Environment": told})
    count = second["Arguments"]["ProcessingResources"]["ClusterConfig"]
    count["InstanceCount"] = get("Parameters.Number")
    create(
        sagemaker,
        second,
        processing(folder, "First"),
        Parameters=[
            {"Name": "Word", "Type": "String"},
            {"Name": "Number", "Type": "Integer", "DefaultValue": 1},
        ],
        PipelineExperimentConfig={"ExperimentName": get("Execution.PipelineName"), "TrialName": "one"},
    )
    arn = start(sagemaker, parameters={"Word": "two", "Number": "2"})
    ended = wait_for_end(sagemaker, arn)
    assert ended["PipelineExecutionStatus"] == "Succeeded", steps_of(sagemaker, arn)
    assert ended["PipelineExperimentConfig"] == {"ExperimentName": "cars", "TrialName": "one"}
    assert list(steps_of(sagemaker, arn)) == ["First", "Second"]
    job = sagemaker.describe_processing_job(ProcessingJobName=job_of(steps_of(sagemaker, arn)["Second"]))
    first = (folder / "First").as_uri()
    assert job["Environment"] == {"A": "two/2/true", "B": "cars", "C": first, "D": "in", "E": "cars"}
    assert job["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    listed = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert listed == [{"Name": "Word", "Value": "two"}, {"Name": "Number", "Value": "2"}]


@pytest.mark.parametrize(
    ("held", "left", "kind", "right"),
    [
        (True, 1, "Equals", 1.0),
        (False, "a", "Equals", "b"),
        (True, 0.5, "GreaterThan", 0.25),
        (False, 2, "LessThan", 2),
        (True, 2, "LessThanOrEqualTo", 2),
        (True, "b", "GreaterThanOrEqualTo", "a"),
    ],
)
def test_conditions_choose_a_branch(served: tuple[Any, Path], held: bool, left: Any, kind: str, right: Any) -> None:
    sagemaker, _ = served
    once, twice = compare(kind, left, right), {"Type": "Not", "Condition": compare(kind, left, right)}
    choice = {"Type": "Or", "Conditions": [once, {"Type": "In", "QueryValue": "x", "Values": ["y"]}]}
    inner = condition("Inner", twice, then=[fail("Wrong")])
    create(sagemaker, condition("Outer", once, choice, then=[inner], otherwise=[fail("Else")]))
    arn = start(sagemaker)
    ended = wait_for_end(sagemaker, arn)
    expected = {"Outer": "Succeeded"} | ({"Inner": "Succeeded"} if held else {"Else": "Failed"})
    assert statuses(sagemaker, arn) == expected
    assert ended["PipelineExecutionStatus"] == ("Succeeded" if held else "Failed")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (get("Steps.A.Outcome"), "cannot be compared"),
        ({"Std:JsonGet": {"S3Uri": "{folder}/nowhere.json", "Path": "a"}}, "No such file"),
        ({"Std:JsonGet": {"S3Uri": "{folder}/scores.json", "Path": "iou.high"}}, "nothing is at 'high'"),
        ({"Std:JsonGet": {"S3Uri": "{folder}/scores.json", "Path": "iou"}}, "no single value"),
        ({"Std:JsonGet": {"S3Uri": "{folder}/broken.json", "Path": "iou"}}, "not JSON"),
    ],
)
def test_a_value_that_is_not_there_fails_its_step_with_its_name(
    served: tuple[Any, Path], value: Any, reason: str
) -> None:
    sagemaker, folder = served
    (folder / "scores.json").write_text(json.dumps({"iou": {"low": 1}}))
    (folder / "broken.json").write_text("{")
    placed = json.loads(json.dumps(value).replace("{folder}", folder.as_uri()))
    create(
        sagemaker,
        condition("A", compare("Equals", 1, 1)),
        condition("B", compare("Equals", placed, 1), DependsOn=["A"]),
    )
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert reason in steps_of(sagemaker, arn)["B"]["FailureReason"]


def test_a_failed_execution_goes_on_where_it_failed(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    fails = {"Environment": {"FAILS": str(folder / "mended")}}
    create(
        sagemaker,
        processing(folder, "First"),
        processing(folder, "Second", DependsOn=["First"], Arguments=fails),
        processing(folder, "Third", DependsOn=["Second"]),
    )
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    before = steps_of(sagemaker, arn)
    assert {name: step["StepStatus"] for name, step in before.items()} == {"First": "Succeeded", "Second": "Failed"}
    assert before["Second"]["FailureReason"] == "AlgorithmError: , exit code: 3"
    (folder / "mended").touch()
    for _ in range(2):  # the same request again is done already
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded"
    after = steps_of(sagemaker, arn)
    assert job_of(after["First"]) == job_of(before["First"])
    assert job_of(after["Second"]) != job_of(before["Second"])
    assert after["Third"]["StepStatus"] == "Succeeded"
    assert "FailureReason" not in describe(sagemaker, arn)
    with pytest.raises(ClientError, match="cannot be retried: it is in status Succeeded"):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)


def test_steps_that_need_nothing_of_each_other_run_side_by_side_as_many_as_may(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SLEEPS, grace_seconds=0) as (sagemaker, _, _):
        create(sagemaker, *(processing(tmp_path, name) for name in "ABC"))
        arn = start(sagemaker, ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing", "B": "Executing"})
        assert describe(sagemaker, arn)["PipelineExecutionStatus"] == "Executing"
        with pytest.raises(ClientError, match="cannot be retried: it is in status Executing"):
            sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
        for _ in range(2):
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Stopped"
        assert statuses(sagemaker, arn) == {"A": "Stopped", "B": "Stopped"}
        job = sagemaker.describe_processing_job(ProcessingJobName=job_of(steps_of(sagemaker, arn)["A"]))
        assert job["ProcessingJobStatus"] == "Stopped"
        with pytest.raises(ClientError, match="cannot be stopped: it is in status Stopped"):
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


def test_a_job_that_somebody_stops_fails_its_step(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SLEEPS, grace_seconds=0) as (sagemaker, _, _):
        create(sagemaker, processing(tmp_path, "A"))
        arn = start(sagemaker)
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing"})
        sagemaker.stop_processing_job(ProcessingJobName=job_of(steps_of(sagemaker, arn)["A"]))
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
        assert "was stopped, or its time was over" in steps_of(sagemaker, arn)["A"]["FailureReason"]


INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


@pytest.mark.parametrize(
    ("trouble", "policy", "attempts", "reason"),
    [
        ({"processing_jobs": {"*": {"capacity_error": True}}}, "SageMaker.CAPACITY_ERROR", 3, "CapacityError"),
        ({"processing_jobs": {"*": {"capacity_error": True}}}, "SageMaker.JOB_INTERNAL_ERROR", 1, "CapacityError"),
        ({"processing_jobs": {"*": {"algorithm_error": INTERNAL}}}, "SageMaker.JOB_INTERNAL_ERROR", 3, INTERNAL),
        ({"processing_jobs": {"*": {"algorithm_error": INTERNAL}}}, "SageMaker.CAPACITY_ERROR", 1, INTERNAL),
        (
            {"quotas": {"ml.m5.large for processing job usage": 0}},
            "SageMaker.RESOURCE_LIMIT",
            0,
            "Failed to invoke sagemaker:CreateProcessingJob. Error Details: The account-level service limit",
        ),
    ],
)
def test_retry_policies_try_again_what_they_name(
    served: tuple[Any, Path], trouble: dict[str, Any], policy: str, attempts: int, reason: str
) -> None:
    sagemaker, folder = served
    rehearse(folder, trouble)
    retries = [{"ExceptionType": [policy], "IntervalSeconds": 0, "BackoffRate": 1, "MaxAttempts": 2}]
    create(sagemaker, processing(folder, "A", RetryPolicies=retries))
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert reason in steps_of(sagemaker, arn)["A"]["FailureReason"]
    assert len(sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == attempts
    assert steps_of(sagemaker, arn)["A"]["AttemptCount"] == max(attempts, 1)


def test_a_tuning_is_not_tried_again_after_an_error_within() -> None:
    """Its jobs are, by itself: documented."""
    kinds = [exception_of_job(INTERNAL, kind) for kind in ("Training", "Tuning")]
    assert kinds == ["SageMaker.JOB_INTERNAL_ERROR", None]
    assert exception_of_job("CapacityError: Unable", "Tuning") == "SageMaker.CAPACITY_ERROR"


def test_an_execution_stops_while_a_step_waits_for_its_next_attempt(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    rehearse(folder, {"processing_jobs": {"*": {"capacity_error": True}}})
    retries = [{"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 3600, "ExpireAfterMin": 600}]
    create(sagemaker, processing(folder, "A", RetryPolicies=retries))
    arn = start(sagemaker)
    wait_until(lambda: [each["ProcessingJobStatus"] for each in jobs_of(sagemaker)] == ["Failed"])
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Stopped"
    assert statuses(sagemaker, arn) == {"A": "Stopped"}
    assert len(jobs_of(sagemaker)) == 1


def jobs_of(sagemaker: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    return found


def test_what_a_failure_leaves_running_ends_and_nothing_new_begins(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    create(sagemaker, processing(folder, "Long"), fail(), processing(folder, "Later", DependsOn=["Long"]))
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert statuses(sagemaker, arn) == {"Long": "Succeeded", "Stop": "Failed"}


def test_a_killed_emulator_leaves_an_execution_that_can_be_retried(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    programs(tmp_path, process=SLEEPS)
    with killable_emulator(tmp_path) as (url, _), client("sagemaker", url) as sagemaker:
        create(sagemaker, processing(tmp_path, "A"))
        arn = start(sagemaker)
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing"})
    with emulator(tmp_path, process=SCORES) as (sagemaker, _, _):
        ended = describe(sagemaker, arn)
        assert ended["PipelineExecutionStatus"] == "Failed"
        assert "the emulator ended while the job was running" in ended["FailureReason"]
        assert statuses(sagemaker, arn) == {"A": "Failed"}
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_an_emulator_that_ends_takes_executions_along(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SLEEPS) as (sagemaker, _, server):
        create(sagemaker, processing(tmp_path, "A"))
        arn = start(sagemaker)
        wait_until(lambda: statuses(sagemaker, arn) == {"A": "Executing"})
        assert server.services.busy
    with emulator(tmp_path) as (sagemaker, _, _):
        assert describe(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
        assert statuses(sagemaker, arn) == {"A": "Failed"}


def test_a_tuning_step_gives_its_best_model_on(tmp_path: Path) -> None:
    tune = test_tuning.asked(tmp_path, jobs=2)
    del tune["HyperParameterTuningJobName"]
    container = {
        "Image": "sageseg:local",
        "ModelDataUrl": {
            "Std:Join": {
                "On": "/",
                "Values": [
                    tune["TrainingJobDefinition"]["OutputDataConfig"]["S3OutputPath"],
                    get("Steps.Search_wide.TrainingJobSummaries[0].TrainingJobName"),
                    "output/model.tar.gz",
                ],
            }
        },
    }
    with emulator(tmp_path, test_tuning.SCORES) as (sagemaker, _, _):
        create(
            sagemaker,
            {"Name": "Search_wide", "Type": "Tuning", "Arguments": tune},
            {"Name": "Best", "Type": "Model", "Arguments": {"PrimaryContainer": container}},
        )
        arn = start(sagemaker)
        assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(sagemaker, arn)
        steps = steps_of(sagemaker, arn)
        name = job_of(steps["Search_wide"])
        assert re.fullmatch(rf"{arn.rpartition('/')[2]}-Search-w-[A-Za-z0-9]{{10}}", name)
        tuned = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        model = sagemaker.describe_model(ModelName=job_of(steps["Best"]))
        best = tuned["BestTrainingJob"]["TrainingJobName"]
        assert model["PrimaryContainer"]["ModelDataUrl"].endswith(f"/{best}/output/model.tar.gz")


def test_a_call_that_is_throttled_is_made_again_without_a_policy(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    rehearse(folder, {"calls": {"CreateProcessingJob": 1}})
    create(sagemaker, processing(folder, "A"))
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded"
    assert steps_of(sagemaker, arn)["A"]["AttemptCount"] == 2


def test_a_job_that_the_service_refuses_fails_its_step_with_the_refusal(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    no_folder = {"ProcessingInputs": [source((folder / "nowhere").as_uri())]}
    create(
        sagemaker,
        processing(folder, "Missing", Arguments=no_folder),
    )
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    reason = steps_of(sagemaker, arn)["Missing"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: Input in: ")


def test_a_number_where_the_service_wants_a_text_fails_its_step(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    typed = processing(folder, "Typed", Arguments={"Environment": {"A": get("Parameters.N")}})
    create(sagemaker, typed, Parameters=[{"Name": "N", "Type": "Integer", "DefaultValue": 1}])
    arn = start(sagemaker)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert "NUMBER_VALUE" in steps_of(sagemaker, arn)["Typed"]["FailureReason"]

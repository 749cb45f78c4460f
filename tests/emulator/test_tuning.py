"""Hyperparameter tuning jobs, seen by an unmodified boto3 client."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from jobs.contract.registry import builtin_image
from tests.support.emulator_setup import emulator, rehearse, request, wait_until

SCORES = """
import json
given = json.loads((root / "input/config/hyperparameters.json").read_text())
print("given", json.dumps(given))
print("epoch: 0, validation mIOU: %s" % (1 - abs(float(given["learning_rate"]) - 0.01)))
(root / "model" / "weights").write_text("trained")
"""
HOLDS = (
    SCORES
    + """
import time
print("waiting")
time.sleep(60)
"""
)
RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
    ],
    "IntegerParameterRanges": [{"Name": "mini_batch_size", "MinValue": "1", "MaxValue": "4"}],
    "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam"]}],
}
IMAGE = {"TrainingImage": builtin_image("us-east-1"), "TrainingInputMode": "File"}


def asked(folder: Path, name: str = "tuning", jobs: int = 4, parallel: int = 2, **changes: Any) -> dict[str, Any]:
    """A request that the emulator accepts; `changes` are of its configuration."""
    training = request(folder)
    members = ("RoleArn", "InputDataConfig", "OutputDataConfig", "StoppingCondition")
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:mIOU"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
        "ParameterRanges": RANGES,
        "RandomSeed": 1,
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config | changes,
        "TrainingJobDefinition": {member: training[member] for member in members}
        | {
            "AlgorithmSpecification": IMAGE,
            "StaticHyperParameters": training["HyperParameters"],
            "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        },
        "Tags": [{"Key": "project", "Value": "sageseg"}],
    }


def wait_for_end(sagemaker: Any, name: str = "tuning") -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        described: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return described

    wait_until(lambda: describe()["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped"), 30)
    return describe()


def children(sagemaker: Any, **also: Any) -> list[dict[str, Any]]:
    answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning", **also)
    found: list[dict[str, Any]] = answer["TrainingJobSummaries"]
    return found


def value_of(child: dict[str, Any]) -> float:
    value: float = child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return value


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_search_from_its_start_to_the_best_job(tmp_path: Path, strategy: str) -> None:
    with emulator(tmp_path, SCORES) as (sagemaker, _, server):
        arn = sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, Strategy=strategy))[
            "HyperParameterTuningJobArn"
        ]
        described = wait_for_end(sagemaker)
        found = children(sagemaker, SortBy="FinalObjectiveMetricValue")
        first = children(sagemaker, SortBy="Name", SortOrder="Ascending", MaxResults=3)
        (listed,) = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
        child = sagemaker.describe_training_job(TrainingJobName=found[0]["TrainingJobName"])
        tags = sagemaker.list_tags(ResourceArn=child["TrainingJobArn"])["Tags"]
        wait_until(lambda: not server.services.busy)
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:hyper-parameter-tuning-job/tuning"
    assert described["HyperParameterTuningJobStatus"] == listed["HyperParameterTuningJobStatus"] == "Completed"
    assert described["TrainingJobStatusCounters"]["Completed"] == 4
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    assert value_of(described["BestTrainingJob"]) == max(map(value_of, found)) == value_of(found[0])
    assert [value_of(one) for one in found] == sorted(map(value_of, found), reverse=True)
    for one in found:
        assert re.fullmatch(r"tuning-00[1-4]-[0-9a-f]{8}", one["TrainingJobName"])
        assert 0.0001 <= float(one["TunedHyperParameters"]["learning_rate"]) <= 0.1
    assert [one["TrainingJobName"][:10] for one in first] == ["tuning-001", "tuning-002", "tuning-003"]
    assert child["TuningJobArn"] == arn
    assert child["HyperParameters"] == {
        "num_classes": "2",
        "num_training_samples": "4",
        "_tuning_objective_metric": "validation:mIOU",
        **found[0]["TunedHyperParameters"],
    }
    assert tags == [{"Key": "project", "Value": "sageseg"}]


def test_pages_hold_every_training_job_once(tmp_path: Path) -> None:
    with emulator(tmp_path, SCORES) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, jobs=3, parallel=3))
        wait_for_end(sagemaker)
        pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName="tuning", PaginationConfig={"PageSize": 2}
        )
        names = [child["TrainingJobName"] for page in pages for child in page["TrainingJobSummaries"]]
        for token in ("bm9uZQ==", "WyJhIl0=", "Wy0xXQ=="):  # none, ["a"], [-1]
            with pytest.raises(sagemaker.exceptions.ClientError, match="NextToken is not valid"):
                children(sagemaker, NextToken=token)
    assert len(names) == len(set(names)) == 3


def test_no_more_run_at_once_than_allowed(tmp_path: Path) -> None:
    with emulator(tmp_path, HOLDS, grace_seconds=0) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path))
        wait_until(lambda: len(children(sagemaker, StatusEquals="InProgress")) == 2)
        described = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning")
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning")
        ended = wait_for_end(sagemaker)
        with pytest.raises(sagemaker.exceptions.ClientError, match="tuning job is in status Stopped"):
            sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning")
    assert described["TrainingJobStatusCounters"]["InProgress"] == 2
    assert described["ObjectiveStatusCounters"]["Pending"] == 2
    assert ended["HyperParameterTuningJobStatus"] == "Stopped"
    assert ended["TrainingJobStatusCounters"]["Stopped"] == 2


def test_a_failing_training_job_does_not_end_the_search(tmp_path: Path) -> None:
    source = SCORES + '\nif given["optimizer"] == "adam":\n    sys.exit(1)'
    with emulator(tmp_path, source) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, jobs=6))
        described = wait_for_end(sagemaker)
        failed = [child for child in children(sagemaker) if child["TrainingJobStatus"] == "Failed"]
    counters = described["TrainingJobStatusCounters"]
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    assert counters["Completed"] + counters["NonRetryableError"] == 6
    assert counters["NonRetryableError"] == len(failed) == described["ObjectiveStatusCounters"]["Failed"] > 0
    assert {child["TunedHyperParameters"]["optimizer"] for child in failed} == {"adam"}
    assert described["BestTrainingJob"]["TunedHyperParameters"]["optimizer"] == "sgd"


def test_a_search_without_any_success_gives_up(tmp_path: Path) -> None:
    with emulator(tmp_path, "sys.exit(1)") as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, jobs=9, parallel=1))
        described = wait_for_end(sagemaker)
        assert len(children(sagemaker)) == 5
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, "short", jobs=2))
        assert wait_for_end(sagemaker, "short")["FailureReason"].startswith("All training jobs failed.")
    assert described["FailureReason"] == (
        "No training job succeeded after 5 attempts. "
        "Please take a look at the training job failures to get more details."
    )


def test_a_quota_that_is_met_on_the_way(tmp_path: Path) -> None:
    rehearse(tmp_path, {"quotas": {"ml.p3.2xlarge for training job usage": 0}})
    with emulator(tmp_path, SCORES) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path))
        described = wait_for_end(sagemaker)
    assert described["FailureReason"].startswith("ResourceLimitExceeded: The account-level service limit 'ml.p3.2xl")


def test_a_search_of_a_server_that_ends_is_failed_with_its_jobs(tmp_path: Path) -> None:
    with emulator(tmp_path, HOLDS) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path))
        wait_until(lambda: len(children(sagemaker)) == 2)
    with emulator(tmp_path, HOLDS) as (sagemaker, _, _):
        described = wait_for_end(sagemaker)
    assert (described["HyperParameterTuningJobStatus"], described["TrainingJobStatusCounters"]["InProgress"]) == (
        "Failed",
        0,
    )
    assert "the emulator ended while the job was running" in described["FailureReason"]


def test_names_that_are_taken_or_unknown(tmp_path: Path) -> None:
    with emulator(tmp_path, SCORES) as (sagemaker, _, _):
        sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, jobs=1, parallel=1))
        with pytest.raises(sagemaker.exceptions.ResourceInUse, match="a tuning job with this name already exists"):
            sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, jobs=1, parallel=1))
        for call in (
            sagemaker.describe_hyper_parameter_tuning_job,
            sagemaker.stop_hyper_parameter_tuning_job,
            sagemaker.list_training_jobs_for_hyper_parameter_tuning_job,
        ):
            with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="can't find a tuning job with the name no"):
                call(HyperParameterTuningJobName="no")
        wait_for_end(sagemaker)


def test_without_optuna_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "optuna" else find(name))
    with emulator(tmp_path) as (sagemaker, _, _):
        text = re.escape("Strategy Bayesian needs Optuna; install it with pip install optuna, or use Random")
        with pytest.raises(sagemaker.exceptions.ClientError, match=text):
            sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, Strategy="Bayesian"))


def _categories(*values: str) -> dict[str, Any]:
    return {"ParameterRanges": {"CategoricalParameterRanges": [{"Name": "optimizer", "Values": list(values)}]}}


def _rate(low: str, high: str, scaling: str = "Auto", name: str = "learning_rate") -> dict[str, Any]:
    found = {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    return {"ParameterRanges": {"ContinuousParameterRanges": [found]}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "strategy": ({"Strategy": "Hyperband"}, "Strategy Hyperband is not emulated; expected Random or Bayesian"),
    "early stopping": ({"TrainingJobEarlyStoppingType": "Auto"}, "TrainingJobEarlyStoppingType Auto is not emulated"),
    "no ranges": ({"ParameterRanges": {}}, "expected at least one range"),
    "no number": (_rate("low", "1"), "MinValue of learning_rate is 'low'; expected a number"),
    "above": (_rate("0.1", "0.01"), "MinValue 0.1 is above MaxValue 0.01"),
    "logarithm of zero": (_rate("0", "1", "Logarithmic"), "needs a MinValue above 0"),
    "out of range": (_rate("0.1", "2"), "hyperparameter learning_rate is '2.0'; expected a number in"),
    "category": (_categories("sgd", "adadelta"), "hyperparameter optimizer is 'adadelta'; expected one of"),
    "unknown": (_rate("0.1", "0.2", name="speed"), "hyperparameter speed is not known"),
    "untunable": (_rate("0.1", "0.2", name="gamma1"), re.escape("untunable hyperparameters: [gamma1]")),
    "fixed": (_rate("2", "3", name="num_classes"), "num_classes is given twice"),
    "combinations": (
        _categories("sgd", "adam"),
        re.escape("combinations for the provided ranges [2.0] must be equal or greater than the value of MaxNum"),
    ),
    "objective": (
        {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "train:loss"}},
        "Objective metric train:loss is not one of the algorithm's",
    ),
    "parallel": (
        {"ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 3}},
        "MaxParallelTrainingJobs exceeds MaxNumberOfTrainingJobs 2",
    ),
    "no limit": ({"ResourceLimits": {"MaxParallelTrainingJobs": 1}}, "MaxNumberOfTrainingJobs is missing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_requests_that_are_refused(tmp_path: Path, case: str) -> None:
    changes, text = REFUSED[case]
    with emulator(tmp_path) as (sagemaker, _, _):
        with pytest.raises(sagemaker.exceptions.ClientError, match=rf"\(ValidationException\).*{text}"):
            sagemaker.create_hyper_parameter_tuning_job(**asked(tmp_path, **changes))
        assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


def test_training_definitions_are_checked_as_training_jobs_are(tmp_path: Path) -> None:
    job = asked(tmp_path)
    job["TrainingJobDefinition"]["ResourceConfig"]["InstanceType"] = "ml.m5.large"
    with emulator(tmp_path) as (sagemaker, _, _):
        with pytest.raises(sagemaker.exceptions.ClientError, match="only GPU instances are supported"):
            sagemaker.create_hyper_parameter_tuning_job(**job)
        del job["TrainingJobDefinition"]
        with pytest.raises(sagemaker.exceptions.ClientError, match="without TrainingJobDefinition is not emulated"):
            sagemaker.create_hyper_parameter_tuning_job(**job)

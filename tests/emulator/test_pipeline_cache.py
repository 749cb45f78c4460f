"""Steps that an execution takes from an earlier one, and which runs count as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.emulator.pipelines.cache import cache_key, earlier_runs, parse_cache
from tests.support.emulator_setup import HYPERPARAMETERS, ROLE, emulator
from tests.support.pipeline_setup import (
    SCORES,
    compare,
    condition,
    create,
    definition,
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
from tests.support.processing_setup import fill

CACHED = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
SCORE_FILE = {"PropertyFileName": "Scores", "OutputName": "out", "FilePath": "scores.json"}
LOW = {"Std:JsonGet": {"PropertyFile": get("Steps.Score.PropertyFiles.Scores"), "Path": "iou.low"}}
PARAMETERS = [{"Name": "Low", "Type": "String", "DefaultValue": "0.5"}]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Any, Path]]:
    fill(tmp_path, "a.txt")
    with emulator(tmp_path, process=SCORES) as (sagemaker, _, _):
        yield sagemaker, tmp_path


def run(sagemaker: Any, **parameters: str) -> str:
    """The ARN of an execution that has succeeded."""
    arn = start(sagemaker, parameters=parameters)
    assert wait_for_end(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(sagemaker, arn)
    return arn


def score(folder: Path, **also: Any) -> dict[str, Any]:
    """A step whose score is the parameter Low."""
    told = {"Environment": {"LOW": get("Parameters.Low")}}
    return processing(folder, "Score", PropertyFiles=[SCORE_FILE], Arguments=told, **also)


def source_of(sagemaker: Any, arn: str, step: str = "Score") -> str:
    """The execution that a step was taken from; empty where it was run."""
    return str(steps_of(sagemaker, arn)[step].get("CacheHitResult", {}).get("SourcePipelineExecutionArn", ""))


def test_a_step_that_was_done_before_is_taken_with_its_values(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    gate = condition("Gate", compare("LessThan", LOW, 0.8), otherwise=[fail()])
    create(sagemaker, score(folder, **CACHED), gate, Parameters=PARAMETERS)
    first = run(sagemaker)
    assert source_of(sagemaker, first) == ""
    second = run(sagemaker)
    third = run(sagemaker)
    assert source_of(sagemaker, second) == source_of(sagemaker, third) == first  # never from one that was taken itself
    before, after = steps_of(sagemaker, first)["Score"], steps_of(sagemaker, third)["Score"]
    assert (job_of(before), after["StepStatus"]) == (job_of(after), "Succeeded")
    assert statuses(sagemaker, third)["Gate"] == "Succeeded"
    other = run(sagemaker, Low="0.75")
    assert source_of(sagemaker, other) == ""
    assert len(sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 2
    sagemaker.delete_processing_job(ProcessingJobName=job_of(before))  # what is not there any more gives nothing
    assert source_of(sagemaker, run(sagemaker)) == ""


def test_what_does_not_count_is_run_again(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    create(sagemaker, score(folder), Parameters=PARAMETERS)
    first = run(sagemaker)
    create(sagemaker, score(folder, **CACHED), name="vans", Parameters=PARAMETERS)
    arn = start(sagemaker, "vans")  # of another pipeline
    wait_for_end(sagemaker, arn)
    assert source_of(sagemaker, arn) == ""
    expired = score(folder, CacheConfig={"Enabled": True, "ExpireAfter": "T0m"})
    sagemaker.update_pipeline(
        PipelineName="cars", PipelineDefinition=definition(expired, Parameters=PARAMETERS), RoleArn=ROLE
    )
    assert source_of(sagemaker, run(sagemaker)) == ""
    larger = score(folder, CacheConfig={"Enabled": True})
    larger["Arguments"]["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] = 77  # nothing that counts
    sagemaker.update_pipeline(
        PipelineName="cars", PipelineDefinition=definition(larger, Parameters=PARAMETERS), RoleArn=ROLE
    )
    assert source_of(sagemaker, run(sagemaker)) not in ("", first)


def test_a_score_goes_into_the_arguments_of_a_job(served: tuple[Any, Path]) -> None:
    sagemaker, folder = served
    rate = {"learning_rate": {"Std:Join": {"Values": [LOW]}}}
    train = training(folder, Arguments={"HyperParameters": HYPERPARAMETERS | rate})
    create(sagemaker, score(folder), train, Parameters=PARAMETERS)
    arn = run(sagemaker)
    job = sagemaker.describe_training_job(TrainingJobName=job_of(steps_of(sagemaker, arn)["Train"]))
    assert job["HyperParameters"] == HYPERPARAMETERS | {"learning_rate": "0.5"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P30D", 30 * 86_400),
        ("30d", 30 * 86_400),
        ("5y", 5 * 365 * 86_400),
        ("T16m", 16 * 60),
        ("30dT5h", 30 * 86_400 + 5 * 3600),
        ("PT1H30M", 5400),
        ("p2w", 14 * 86_400),
        ("P1M", 30 * 86_400),
        (None, float("inf")),
    ],
)
def test_how_long_a_run_counts(text: str | None, seconds: float) -> None:
    given = {"Enabled": True} | ({"ExpireAfter": text} if text else {})
    assert parse_cache(given, "Training", "") == seconds
    assert parse_cache(given | {"Enabled": False}, "Training", "") is None


def test_only_what_counts_of_a_search_makes_it_another_one() -> None:
    search: dict[str, Any] = {
        "HyperParameterTuningJobConfig": {"Strategy": "Random"},
        "TrainingJobDefinition": {"InputDataConfig": []},
    }
    key = cache_key("Tuning", search)
    assert cache_key("Tuning", search | {"Tags": []}) == key
    longer = search["TrainingJobDefinition"] | {"StoppingCondition": {"MaxRuntimeInSeconds": 9}}
    assert cache_key("Tuning", search | {"TrainingJobDefinition": longer}) == key
    other = search["TrainingJobDefinition"] | {"InputDataConfig": ["train"]}
    assert cache_key("Tuning", search | {"TrainingJobDefinition": other}) != key


RUNS = st.fixed_dictionaries(
    {
        "StepName": st.sampled_from("AB"),
        "StepStatus": st.sampled_from(["Succeeded", "Failed"]),
        "EndTime": st.integers(0, 9),
        "_Key": st.sampled_from("kl"),
    },
    optional={"CacheHitResult": st.just({})},
)


@settings(max_examples=40)
@given(st.lists(RUNS, max_size=9), st.integers(0, 9))
def test_the_latest_run_that_counts_comes_first(runs: list[dict[str, Any]], seconds: int) -> None:
    executions = [{"PipelineExecutionArn": str(number), "_Steps": [run]} for number, run in enumerate(runs)]
    found = earlier_runs(executions, "A", "k", seconds, 9)
    times = [done["EndTime"] for _, done in found]
    assert times == sorted(times, reverse=True)
    counted = {"StepName": "A", "StepStatus": "Succeeded", "_Key": "k"}
    assert sorted(int(arn) for arn, _ in found) == [
        number
        for number, run in enumerate(runs)
        if counted.items() <= run.items() and run["EndTime"] >= 9 - seconds and "CacheHitResult" not in run
    ]

"""A search's training jobs: ranked, counted, priced, and as records of their own."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.tracking.follow_tuning import describe_search, search_usd_so_far
from jobs.tracking.records import JobRecord, parse_record
from jobs.tracking.tuning_ranking import TunedJob, best, describe_counts, rank, ranking_rows, ranking_table, tuned_job
from jobs.tracking.tuning_records import training_job, tuning_name

NOW = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
JOBS = [
    TunedJob("cars-001-aa", "Completed", {"learning_rate": "0.0123456", "optimizer": "sgd"}, 0.5),
    TunedJob(
        "cars-002-bb", "Failed", {"learning_rate": "0.1", "optimizer": "adam"}, reason="AlgorithmError: diverged."
    ),
    TunedJob("cars-003-cc", "Completed", {"learning_rate": "0.001", "optimizer": "sgd"}, 0.75),
    TunedJob("cars-004-dd", "InProgress", {"learning_rate": "0.002", "optimizer": "sgd"}),
]


def test_the_ranking_begins_with_the_best_and_keeps_every_job() -> None:
    assert ranking_table(JOBS, "validation:mIOU") == [
        "rank  job          validation:mIOU  status      learning_rate  optimizer",
        "1     cars-003-cc  0.7500           Completed   0.001          sgd",
        "2     cars-001-aa  0.5000           Completed   0.01235        sgd",
        "–     cars-002-bb  –                Failed      0.1            adam",
        "–     cars-004-dd  –                InProgress  0.002          sgd",
    ]
    rows = ranking_rows(JOBS)
    assert rows[1] == {
        "rank": 2,
        "job": "cars-001-aa",
        "objective": 0.5,
        "status": "Completed",
        "hyperparameters": {"learning_rate": "0.0123456", "optimizer": "sgd"},
    }
    assert [row["rank"] for row in rows] == [1, 2, None, None]


def test_before_anything_has_ended_there_is_no_best() -> None:
    assert best([]) is None
    assert best(JOBS[3:]) is None
    assert ranking_table([], "validation:mIOU") == ["rank  job  validation:mIOU  status"]


@given(st.lists(st.none() | st.floats(-1, 1), max_size=8))
def test_the_best_has_the_highest_objective_and_those_without_come_last(objectives: list[float | None]) -> None:
    jobs = [TunedJob(f"job-{number}", "Completed", {}, value) for number, value in enumerate(objectives)]
    scores = [job.objective for job in rank(jobs)]
    known = [score for score in objectives if score is not None]
    assert scores == sorted(known, reverse=True) + [None] * (len(objectives) - len(known))
    found = best(jobs)
    assert (found and found.objective) == max(known, default=None)


def test_the_live_line_says_how_far_it_is_and_the_best() -> None:
    assert describe_counts(JOBS, 10) == "2 of 10 jobs done, 1 running, 1 failed"
    assert describe_search("InProgress", JOBS, 10, "validation:mIOU", 1.234) == (
        "InProgress  2 of 10 jobs done, 1 running, 1 failed  $1.23 so far  best validation:mIOU 0.7500 (cars-003-cc)"
    )
    assert describe_search("InProgress", [], 10, "validation:mIOU", None) == "InProgress  0 of 10 jobs done"


def test_money_so_far_is_that_of_all_machines() -> None:
    record = JobRecord("cars", "aws", "us-east-1", "", "", [], {}, cost={"usd_per_hour": 3.6}, kind="tuning")
    began = NOW - timedelta(seconds=100)
    jobs = [
        replace(JOBS[0], started=began, ended=began + timedelta(seconds=40)),
        replace(JOBS[3], started=began),
        replace(JOBS[3], name="waits for its machine"),
    ]
    assert search_usd_so_far(record, jobs, NOW.timestamp()) == pytest.approx(0.14)
    assert search_usd_so_far(replace(record, cost={}), jobs, NOW.timestamp()) is None


def test_what_the_service_adds_to_the_values_is_left_out() -> None:
    """The members are those of ListTrainingJobsForHyperParameterTuningJob's answer."""
    summary = {
        "TrainingJobName": "cars-001-aa",
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {"learning_rate": "0.1", "_tuning_objective_metric": "validation:mIOU"},
        "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "validation:mIOU", "Value": 0.5},
    }
    assert tuned_job(summary) == TunedJob("cars-001-aa", "Completed", {"learning_rate": "0.1"}, 0.5)


def test_a_training_job_of_a_search_has_a_record_as_if_it_had_been_started_alone() -> None:
    cost = {"usd_per_hour": 3.6, "source": "a test", "worst_usd": 99.0, "actual_usd": 9.0}
    tags = [{"Key": "sageseg:dataset", "Value": "0123"}]
    tuning = JobRecord("cars", "aws", "us-east-1", "cars", "0123", ["a", "b"], {"Tags": tags}, cost=cost, kind="tuning")
    arn = "arn:aws:sagemaker:us-east-1:123456789012"
    description = {
        "TrainingJobName": "cars-001-aa",
        "TrainingJobArn": f"{arn}:training-job/cars-001-aa",
        "TuningJobArn": f"{arn}:hyper-parameter-tuning-job/cars",
        "HyperParameters": {"epochs": "3", "_tuning_objective_metric": "validation:mIOU"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge"},
    }
    record = training_job(tuning, description).record
    assert record.request == {
        "TrainingJobName": "cars-001-aa",
        "HyperParameters": {"epochs": "3"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge"},
        "Tags": tags,
    }
    assert (record.name, record.kind, record.classes) == ("cars-001-aa", "training", ["a", "b"])
    assert record.cost == {"usd_per_hour": 3.6, "source": "a test"}
    assert tuning_name(description) == "cars"
    assert tuning_name({}) is None


def test_a_record_of_before_there_were_tunings_is_a_trainings() -> None:
    old = {"name": "a", "backend": "local", "region": "r", "dataset": "", "dataset_sha256": "", "classes": []}
    record = parse_record(json.dumps({**old, "request": {"TrainingJobName": "a"}}), "job.json")
    assert not record.is_tuning
    assert record.training == {"TrainingJobName": "a"}

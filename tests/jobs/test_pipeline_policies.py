"""What a pipeline's steps are tried again for, and which earlier runs of them count."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.emulator.pipelines.cache import parse_cache as parse_duration
from jobs.emulator.pipelines.definition import parse_definition
from jobs.pipelines.options import PipelineOptions, parse_again, parse_cache, parse_pause
from jobs.pipelines.policies import READS, Again, Pause, Policies, cache_notes, check_waits
from jobs.pipelines.states import state_of
from tests.support.aws_setup import ROLE, aws_client, use_aws
from tests.support.pipeline_samples import SECTIONS, define, read, steps_by_name

PLAIN = {**SECTIONS, "train": {**SECTIONS["train"], "spot": False}}
TUNED = {name: section for name, section in SECTIONS.items() if name != "train"} | {
    "tune": {"range": ["learning_rate=1e-3:1e-1"], "max_jobs": 2, "spot": True}
}
JOBS = ["Prepare", "Dataset", "Train", "Predict", "Report"]


def cached(sections: dict[str, Any]) -> list[str]:
    made = define(sections, policies=Policies(cache="P30D"))
    steps = parse_definition(json.dumps(made), ROLE).steps
    assert {step.cache for step in steps.values()} <= {None, 30 * 86400}
    return [name for name, step in steps.items() if step.cache]


def test_a_time_is_written_as_the_service_reads_it() -> None:
    for text, iso, seconds in [("30d", "P30D", 30 * 86400), ("12h", "PT12H", 12 * 3600), ("45m", "PT45M", 45 * 60)]:
        assert parse_cache(text) == iso
        assert parse_duration({"Enabled": True, "ExpireAfter": iso}, "Training", "Train") == seconds


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_cache, "30", "--cache 30: expected a time of 1m to 365d, such as 30d or 12h"),
        (parse_cache, "0d", "--cache 0d: expected"),
        (parse_cache, "366d", "--cache 366d: expected"),
        (parse_again, "capacity", "--again capacity: expected each of capacity, limit, internal once at the most"),
        (parse_again, "capacity=21", "the times from 1 to 20, such as capacity=5,internal=1; or none"),
        (parse_again, "limit=1,limit=2", "--again limit=1,limit=2: expected"),
        (parse_again, "throttling=1", "--again throttling=1: expected"),
        (parse_pause, "x2", "--pause x2: expected seconds from 1 to 43200"),
        (parse_pause, "43201", "--pause 43201: expected"),
        (parse_pause, "60x0.5", "--pause 60x0.5: expected"),
        (parse_pause, "0", "--pause 0: expected"),
    ],
)
def test_what_says_nothing_sensible_is_refused(parse: Any, text: str, said: str) -> None:
    with pytest.raises(SagesegError, match=said):
        parse(text)


def test_pauses_that_grow_to_weeks_are_refused_with_their_sum() -> None:
    with pytest.raises(SagesegError, match="--again capacity=20 with --pause 60x2: its pauses are 729 days in all"):
        check_waits(Again(capacity=20), Pause(60, 2))
    check_waits(Again(capacity=20, limit=1), Pause(43200 * 7 // 10, 1))  # 7 days, to the second
    with pytest.raises(SagesegError, match="its pauses are 8 days in all; expected 7 at the most"):
        check_waits(Again(limit=20, internal=2), Pause(30300, 1))


def test_what_help_shows_can_be_typed() -> None:
    for again in (Again(), Again(capacity=5), Again(limit=1, internal=20)):
        assert parse_again(str(again)) == again
    for pause in (Pause(60, 2), Pause(1, 1.5)):
        assert parse_pause(str(pause)) == pause
    assert parse_pause("60") == Pause(60, 1)


def test_a_pause_before_nothing_is_said_to_be_idle() -> None:
    said = "--pause has no effect: with --again none nothing is tried again"
    assert PipelineOptions(again=Again(), pause=Pause(1, 1), start=True).idle() == [said]
    assert PipelineOptions(again=Again(), pause=Pause(1, 1), dry_run=True).idle()[0] == said
    assert PipelineOptions(again=Again()).idle() == PipelineOptions(pause=Pause(1, 1)).idle() == []


def test_an_earlier_run_counts_of_steps_that_are_told_nothing_of_their_execution() -> None:
    assert cached(PLAIN) == JOBS
    assert cached(SECTIONS) == JOBS[:2]  # checkpoints of a spot training lie in its execution's folder
    assert cached({**PLAIN, "predict": {"via": "batch"}}) == JOBS[:3]
    assert cached(TUNED) == ["Prepare", "Dataset", "Tune", "Predict", "Report"]
    assert not [step for step in define(PLAIN)["Steps"] if "CacheConfig" in step]


def test_what_no_earlier_run_counts_of_is_said() -> None:
    (spot,) = cache_notes(define(SECTIONS)["Steps"], "")
    assert spot == (
        "note: --cache: Train and what follows it are done in each execution anew, because with spot its checkpoints "
        "lie in the execution's own folder"
    )
    (named,) = cache_notes(define(PLAIN)["Steps"], "s3://cars/made")
    assert named.startswith("note: --cache: whether s3://cars/made holds another dataset than before is not looked at")


def test_the_best_model_of_a_tuning_is_where_the_tuning_left_it() -> None:
    """Which may have been another execution."""
    artefact = steps_by_name(define(TUNED))["Predict"]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"]
    assert artefact["Std:Join"]["Values"][0] == {
        "Get": "Steps.Tune.TrainingJobDefinition.OutputDataConfig.S3OutputPath"
    }


def test_jobs_are_tried_again_each_for_what_may_pass() -> None:
    made = define(PLAIN, policies=Policies(Again(capacity=5, internal=1), Pause(30, 1.5)))
    retries = {name: step.get("RetryPolicies") for name, step in steps_by_name(made).items()}
    assert retries["Train"] == [
        {"ExceptionType": [kind], "IntervalSeconds": 30, "BackoffRate": 1.5, "MaxAttempts": times}
        for kind, times in (("SageMaker.CAPACITY_ERROR", 5), ("SageMaker.JOB_INTERNAL_ERROR", 1))
    ]
    assert [name for name, found in retries.items() if found == retries["Train"]] == JOBS
    assert [name for name, found in retries.items() if found is None] == ["Gate", "Register", "TooLow"]
    tuned = steps_by_name(define(TUNED, policies=Policies(Again(internal=1))))["Tune"]
    assert "RetryPolicies" not in tuned
    assert parse_definition(json.dumps(made), ROLE)


def test_what_its_words_name_makes_a_step_another_when_it_changes() -> None:
    states = {"s3://cars/images": "1", "s3://cars/masks": "2"}
    kept = [
        steps_by_name(define(PLAIN, policies=Policies(cache="P1D"), state=now.__getitem__))
        for now in (states, states, {**states, "s3://cars/masks": "3"})
    ]
    first, again, changed = ([step["Arguments"].get("Environment") for step in steps.values()] for steps in kept)
    assert first == again
    assert [one == other for one, other in zip(first, changed, strict=True)] == [False] + [True] * (len(first) - 1)
    assert set(kept[0]["Prepare"]["Arguments"]["Environment"]) == {READS}
    assert "Environment" not in steps_by_name(define(PLAIN))["Prepare"]["Arguments"]


def test_a_place_here_is_another_when_a_file_is_new_gone_larger_or_later(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "a").mkdir(parents=True)
    file = folder / "a" / "1.jpg"
    seen = [state_of(str(folder), None)]
    for content, time in (("1", 1), ("12", 1), ("12", 2)):
        file.write_text(content)
        os.utime(file, (time, time))
        seen += [state_of(str(folder), None), state_of(str(file), None)]
    file.rename(folder / "1.jpg")
    seen.append(state_of(str(folder), None))
    assert len(set(seen)) == len(seen)
    assert state_of(str(folder), None) == seen[-1]


def test_a_place_in_s3_is_another_when_an_object_is(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_aws(monkeypatch, moto)
    s3, seen = aws_client("s3", moto), []
    for key, body in (("states/a/1.jpg", b"1"), ("states/a/1.jpg", b"2"), ("states/a/b#?/2.jpg", b"1")):
        s3.put_object(Bucket="cars", Key=key, Body=body)
        s3.put_object(Bucket="cars", Key="states/ab/1.jpg", Body=os.urandom(4))  # a neighbour
        seen.append(state_of("s3://cars/states/a/", None))
        assert state_of("s3://cars/states/a", None) == seen[-1]
    assert len(set(seen)) == 3
    one = state_of("s3://cars/states/a/1.jpg", None)
    s3.put_object(Bucket="cars", Key="states/a/1.jpg", Body=b"3")
    assert state_of("s3://cars/states/a/1.jpg", None) not in (one, state_of("s3://cars/states/none", None))


def test_several_types_are_one_and_that_is_said() -> None:
    sections = {**PLAIN, "process": {"instance_type": ["ml.m5.xlarge", "ml.c5.xlarge"]}}
    assert read(sections).experiment.hosts.instance_type == "ml.m5.xlarge"
    assert read(sections).lines[0] == (
        "note: a pipeline processes on one type, ml.m5.xlarge; its parameter ProcessInstanceType names another at its "
        "start"
    )

"""`jobs list` and `show` on this machine: tables, a training's course, and what may not be asked for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aws.errors import AwsError
from formats.errors import SagesegError
from formats.texts.wording import format_columns
from jobs.cli import app
from jobs.contract.log_lines import progress_line, schedule_line, validation_lines
from jobs.tracking import course, find_jobs, list_jobs
from jobs.tracking.attempts import last_attempt_here
from jobs.tracking.course import describe_course, describe_settings, missing_artefact
from jobs.tracking.records import JobRecord, record_path, unended_records, write_record

NOT_ALLOWED = AwsError("reading the log of cars", "AccessDeniedException", "not authorized to perform it")
SETTINGS = {"num_classes": "2", "num_training_samples": "9", "epochs": "5", "_tuning_objective_metric": "x"}
EPOCH: dict[str, Any] = {"epoch": 0, "train_loss": 0.5, "validation_mIOU": 0.5, "validation_pixel_accuracy": 0.5}


def described(name: str = "cars", status: str = "Completed", **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "CreationTime": datetime(2026, 11, 28, 10, len(name), tzinfo=UTC),
        "HyperParameters": SETTINGS,
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge"},
        "InputDataConfig": [],
        **changes,
    }


def record(name: str = "cars", status: str = "Completed", backend: str = "local", **changes: Any) -> JobRecord:
    made = JobRecord(name, backend, "us-east-1", "", "", [], {}, created="2026-11-28T10:00:00+00:00")
    ended = described(name, status) if status != "InProgress" else {}
    return replace(made, description=ended, **changes)


@pytest.fixture
def no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("the emulator was asked")

    monkeypatch.setattr(list_jobs, "local_client", asked)


def listed(*words: str) -> str:
    ran = CliRunner().invoke(app, ["list", *words])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    return ran.stdout


@pytest.mark.usefixtures("no_emulator")
def test_jobs_that_ended_are_listed_from_their_records_under_headings() -> None:
    for name, status in (("a", "Completed"), ("longer-name", "Failed"), ("abc", "Stopped")):
        write_record(record(name, status))
    assert listed().splitlines() == [
        "name         status     step       backend  created (UTC)",
        "longer-name  Failed     Failed     local    2026-11-28 10:11",
        "abc          Stopped    Stopped    local    2026-11-28 10:03",
        "a            Completed  Completed  local    2026-11-28 10:01",
    ]
    told = json.loads(listed("--json"))
    assert [job["name"] for job in told] == ["longer-name", "abc", "a"]
    assert set(told[0]) == {"name", "backend", "status", "secondary", "created", "kind"}


@pytest.mark.usefixtures("no_emulator")
def test_without_jobs_nothing_is_on_stdout_and_the_next_step_is_said() -> None:
    ran = CliRunner().invoke(app, ["list"])
    assert (ran.stdout, ran.exit_code) == ("", 0)
    assert "no job yet; sageseg jobs train DATASET starts one" in ran.stderr
    assert json.loads(listed("--json")) == []


def damage(path: Path, how: str) -> None:
    """What may stand in a record's place."""
    path.unlink()
    if how == "folder":
        path.mkdir()
    else:
        path.write_text({"cut": '{"name": "bad", ', "empty": "", "other": '{"name": "bad"}'}[how])


@pytest.mark.usefixtures("no_emulator")
@pytest.mark.parametrize("how", ["cut", "empty", "other", "folder"])
def test_a_damaged_record_is_named_beside_the_others_and_can_be_forgotten(how: str) -> None:
    for name in ("bad", "good"):
        write_record(record(name))
    damage(record_path("bad"), how)
    for words in ([], ["--json"]):
        ran = CliRunner().invoke(app, ["list", *words])
        assert "good" in ran.stdout
        (said,) = [line for line in ran.stderr.splitlines() if line.startswith("warning: ")]
        assert str(record_path("bad")) in said
        assert said.endswith("; restore it, or sageseg jobs forget bad removes it")
        assert str(ran.exception).startswith("1 of 2 records cannot be read")
    assert CliRunner().invoke(app, ["show", "bad"]).exit_code == 1
    forgotten = CliRunner().invoke(app, ["forget", "bad"])
    assert forgotten.stdout == "bad: forgotten\n"
    assert "note: the record of bad is damaged, and goes" in forgotten.stderr
    assert len(listed().splitlines()) == 2


def test_a_damaged_neighbour_hinders_no_look_at_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a later attempt's name, or of a tuning job that may have begun it; a training does not start beside it."""
    monkeypatch.setattr("jobs.tracking.job_calls.describe", lambda _: described("cars-2"))
    for name in ("cars-2", "cars-2-2", "cars"):
        write_record(record(name))
    for name in ("cars-2-2", "cars"):
        damage(record_path(name), "cut")
    ran = CliRunner().invoke(app, ["show", "cars-2"])
    assert ran.exit_code == 0, ran.exception
    assert "cars-2-2" in ran.stderr
    with pytest.raises(SagesegError, match="sageseg jobs forget cars removes it"):
        unended_records("training", "local", "us-east-1")


class Emulator:
    """In the place of a client: it knows one job of two."""

    def get_paginator(self, operation: str) -> "Emulator":
        self.operation = operation
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        if self.operation == "list_training_jobs":
            yield {"TrainingJobSummaries": [described("running", "InProgress", SecondaryStatus="Training")]}
        else:
            yield {"HyperParameterTuningJobSummaries": []}


def test_one_question_tells_of_all_that_may_be_at_work_and_what_is_lost_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_jobs, "local_client", lambda *_: Emulator())
    for name, arn in (("running", "arn"), ("lost", "arn"), ("begun", "")):
        write_record(record(name, "InProgress", arn=arn))
    write_record(replace(record("half"), description={"TrainingJobStatus": "Completed"}, arn="arn"))
    assert sorted(line.split()[:3] for line in listed().splitlines()[1:]) == [
        ["begun", "Unknown", "begun,"],
        ["half", "Unknown", "the"],
        ["lost", "Unknown", "the"],
        ["running", "InProgress", "Training"],
    ]


def test_columns_begin_below_each_other() -> None:
    assert format_columns([["a", "bb"], ["ccc", "d"], ["", "e"]]) == ["a    bb", "ccc  d", "     e"]


@pytest.mark.parametrize("name", ["cars-20261128-173800", "cars-7", "cars-2"])
def test_a_name_that_ends_in_digits_is_no_later_attempt_of_itself(name: str) -> None:
    write_record(record(name))
    assert last_attempt_here(name) is None


# show


@pytest.mark.parametrize(
    ("status", "early", "done", "told"),
    [
        ("Completed", "True", 3, {"early stopping": "on, stopped after 3 of 5 epochs", "epochs": "3 of 5 done"}),
        ("Completed", "True", 5, {"early stopping": "on, but not needed", "epochs": "5 of 5 done"}),
        ("Completed", "False", 5, {"early stopping": "off", "epochs": "5 of 5 done"}),
        ("Stopped", "True", 2, {"early stopping": "on", "epochs": "2 of 5 done"}),
        ("Failed", None, 1, {"early stopping": "off", "epochs": "1 of 5 done"}),
    ],
)
def test_early_stopping_is_told_with_the_epochs(
    status: str, early: str | None, done: int, told: dict[str, str]
) -> None:
    """An epoch that was not validated is not done."""
    epochs = [{**EPOCH, "epoch": number} for number in range(done)]
    epochs.append({"epoch": done, "train_loss": 0.5, "validation_mIOU": None})
    settings = SETTINGS | ({"early_stopping": early} if early else {})
    assert describe_course(record(epochs=epochs), described(status=status, HyperParameters=settings)) == told


def test_a_running_job_tells_its_epochs_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"[11/28/2026 10:00:00 INFO 140] {schedule_line(2, 5)}",
        *validation_lines(0, 0.9, 0.7, 10.0),
        f"[11/28/2026 10:01:00 INFO 140] {progress_line(1, 0, 10.0, 0.1)}",
    ]
    monkeypatch.setattr(course, "log_lines", lambda _: iter(lines))
    told = describe_course(record(status="InProgress"), described(status="InProgress"))
    assert told == {"early stopping": "off", "epochs": "1 of 5 done", "time left": "about 4 min"}
    monkeypatch.setattr(course, "log_lines", lambda _: iter(lines))
    ended = describe_course(record(), described(HyperParameters=SETTINGS | {"early_stopping": "True"}))
    assert ended == {"early stopping": "on, stopped after 1 of 5 epochs", "epochs": "1 of 5 done"}


def test_what_may_not_be_asked_for_is_a_note_and_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise NOT_ALLOWED

    monkeypatch.setattr(course, "log_lines", refuse)
    monkeypatch.setattr("jobs.tracking.gpu_use.gpu_use", refuse)
    further = {"ChannelName": "model", "DataSource": {"S3DataSource": {"S3Uri": "s3://cars/first/model.tar.gz"}}}
    failed = described(status="Failed", FailureReason="why", InputDataConfig=[further])
    monkeypatch.setattr("jobs.tracking.job_calls.describe", lambda _: failed)
    write_record(record(backend="aws"))
    shown = CliRunner().invoke(app, ["show", "cars"])
    assert shown.exit_code == 0, (shown.output, shown.exception)
    notes = [line for line in shown.stderr.splitlines() if line.startswith("note: ")]
    assert [note.rpartition("; ")[2] for note in notes] == [
        "so its epochs are not known",
        "so how busy its GPUs were is not known",
    ]
    lines = shown.stdout.splitlines()
    assert "early stopping  off" in lines
    assert "artefact        none (a job that failed leaves none)" in lines
    assert "trained from    s3://cars/first/model.tar.gz" in lines
    assert lines[lines.index("hyperparameters num_classes 2") :] == [
        "hyperparameters num_classes 2",
        f"{'':15} num_training_samples 9",
        f"{'':15} epochs 5",
    ]


def test_settings_are_in_the_tables_order_and_unknown_ones_last() -> None:
    given = {"zoom": "1", "epochs": "5", "algorithm": "psp"}
    assert describe_settings({"HyperParameters": given}) == ["algorithm psp", "epochs 5", "zoom 1"]


@pytest.mark.parametrize(
    ("status", "there", "said"),
    [
        ("Completed", True, ""),
        ("Stopped", True, ""),
        ("Completed", False, "none (gone from "),
        ("Stopped", False, "none (stopped before there was one)"),
        ("InProgress", True, "none yet (InProgress)"),
        ("Failed", True, "none (a job that failed leaves none)"),
    ],
)
def test_no_artefact_is_named_that_does_not_exist(status: str, there: bool, said: str, tmp_path: Path) -> None:
    """Whatever the description says of where it would be."""
    path = tmp_path / "a b" / "model.tar.gz"
    path.parent.mkdir()
    if there:
        path.touch()
    found = missing_artefact(record(), described(status=status, ModelArtifacts={"S3ModelArtifacts": path.as_uri()}))
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("answer", "said"), [(["one/cars/output/model.tar.gz"], ""), ([], "none (stopped"), (None, "")]
)
def test_of_a_job_that_was_stopped_s3_is_asked(
    answer: list[str] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one may not ask, it is taken to be there."""

    def objects(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        if answer is None:
            raise NOT_ALLOWED
        return iter([{"Key": key} for key in answer])

    monkeypatch.setattr("aws.s3.S3Prefix.objects", objects)
    monkeypatch.setattr(course, "make_client", lambda *_: None)
    uri = {"S3ModelArtifacts": "s3://bucket/one/cars/output/model.tar.gz"}
    found = missing_artefact(record(backend="aws"), described(status="Stopped", ModelArtifacts=uri))
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize("name", ["cars/one", "log.txt", "a_b", "a" * 64])
def test_a_word_that_can_be_no_jobs_name_is_asked_of_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_jobs, "describe", lambda _: pytest.fail("asked"))
    ran = CliRunner().invoke(app, ["metrics", name])
    assert str(ran.exception).startswith(f"{name}: no such file, nor could a job be called so")


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_what_has_ended_needs_no_stop(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(record(status=status))
    monkeypatch.setattr("jobs.tracking.job_calls.describe", lambda _: described(status=status))
    ran = CliRunner().invoke(app, ["stop", "cars"])
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr == f"cars: {status} already, so there is nothing to stop\n"


@pytest.mark.parametrize(
    "words", [("export", "nobody"), ("features", "nobody", "image.png"), ("lambda", "cars")], ids=lambda words: words[0]
)
def test_a_file_that_is_there_is_replaced_only_when_told(words: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "made.onnx"
    out.write_text("mine")
    ran = CliRunner().invoke(app, [*words, "--out", str(out)])
    assert "made.onnx: exists already; choose another --out or add --overwrite" in str(ran.exception)
    assert out.read_text() == "mine"
    ran = CliRunner().invoke(app, [*words, "--out", str(out), "--overwrite"])
    assert "exists already" not in str(ran.exception)


@pytest.mark.parametrize("name", ["first:best", "runs/1/model.tar.gz", "cars_v2"])
def test_what_no_endpoint_can_be_called_is_asked_of_nobody(name: str) -> None:
    ran = CliRunner().invoke(app, ["delete", name])
    assert str(ran.exception) == (
        f"{name}: no endpoint could be called so; sageseg jobs leftovers shows those there are"
    )

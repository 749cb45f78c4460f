"""The same command again, after one that was killed between its record and AWS's answer; and forgetting."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from typer.testing import Result

from formats.console import say
from formats.errors import SagesegError
from jobs.endpoints.records import endpoint_path, read_endpoint, write_endpoint
from jobs.prediction.batch_record import BatchRecord, batches, sweep_batches, write_batch
from jobs.prediction.batch_route import clean_up_batches
from jobs.tracking.records import JobRecord, read_record, record_names, record_path, write_record
from tests.support.aws_setup import ROLE, error_of
from tests.support.emulator_setup import wait_until
from tests.support.serving_setup import SCHEDULER_ROLE, Served, run

pytestmark = pytest.mark.usefixtures("aws")


def train(aws: Served, *words: str, yes: bool = True) -> Result:
    common = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", "1")
    return run("train", str(aws.dataset.root), *common, *words, *(["--yes"] if yes else []))


def begun(record: JobRecord) -> JobRecord:
    """The record as it was before AWS answered."""
    return replace(record, arn="", description={}, epochs=[])


def trained_names(aws: Served) -> list[str]:
    return [job["TrainingJobName"] for job in aws.sagemaker().list_training_jobs()["TrainingJobSummaries"]]


def test_a_job_whose_caller_was_killed_is_followed_without_asking_or_paying_again(aws: Served) -> None:
    write_record(begun(aws.record))
    before = len(trained_names(aws))
    ran = train(aws, "--name", "cars", yes=False)
    assert ran.exit_code == 0, ran.output
    assert "with these settings; it goes on with that" in ran.stderr
    assert ran.stdout.startswith("cars: Completed\n")
    assert len(trained_names(aws)) == before
    assert read_record("cars").arn


def test_without_a_name_the_one_that_was_chosen_is_found_by_the_settings(aws: Served) -> None:
    first = train(aws)
    name = first.stdout.partition(":")[0]
    write_record(begun(read_record(name)))
    other = train(aws, "--epochs", "3", "--dry-run")
    assert "was begun at" not in other.stderr  # its name tells nothing: both may be of one second
    again = train(aws)
    assert again.stdout.partition(":")[0] == name
    assert [one for one in trained_names(aws) if one.startswith("fcn-dataset")] == [name]


@pytest.mark.parametrize(("command", "told"), [(["train"], "goes on with that"), (["train", "--no-wait"], "choose an")])
def test_a_job_that_is_over_is_gone_on_with_unless_nobody_was_to_wait_for_it(
    aws: Served, command: list[str], told: str
) -> None:
    write_record(replace(aws.record, description={}, epochs=[], command=command))
    ran = train(aws, "--name", "cars")
    assert told in f"{ran.stderr} {ran.exception}"


def test_what_never_came_to_aws_is_begun_anew_under_its_name(aws: Served) -> None:
    record = begun(aws.record)
    request = {**record.request, "TrainingJobName": "lost"}
    write_record(replace(record, name="lost", request=request))
    assert error_of(run("show", "lost")).startswith(f"lost: was begun here at {record.created}, and is not at AWS in")
    said = error_of(run("logs", "lost", "--follow"))
    assert said.endswith("run the command that began it again, or sageseg jobs forget lost")
    ran = train(aws, "--name", "lost")
    assert ran.exit_code == 0, ran.output
    assert "note: lost was begun at" in ran.stderr
    assert "nothing came of it; it is begun anew" in ran.stderr


def test_other_settings_under_the_name_are_refused_where_the_job_is_there(aws: Served) -> None:
    write_record(begun(aws.record))
    said = error_of(train(aws, "--name", "cars", "--epochs", "3"))
    assert said.startswith("cars: is there already, begun with other settings; sageseg jobs logs cars --follow")
    assert read_record("cars").arn


def test_somebody_elses_job_of_the_name_is_not_followed(aws: Served) -> None:
    write_record(replace(begun(aws.record), created="2030-01-01T00:00:00+00:00"))
    said = error_of(train(aws, "--name", "cars"))
    assert said.startswith("cars: a training job of that name is at AWS in us-east-1 already")
    assert "cars" not in record_names()


def test_where_it_cannot_be_looked_for_it_says_what_may_cost(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="https://sagemaker")

    write_record(replace(begun(aws.record), name="unseen"))
    with monkeypatch.context() as patch:
        patch.setattr("botocore.endpoint.Endpoint._send_request", lost)
        said = error_of(train(aws, "--name", "unseen"))
    assert "unseen: was begun at" in said
    assert "may run and cost, and cannot be looked for" in said
    assert record_path("unseen").exists()


def test_a_job_of_this_machine_that_never_started_is_listed_so(aws: Served) -> None:
    write_record(replace(begun(aws.record), name="local-one", backend="local"))
    import jobs.tracking.list_jobs as listing

    record = read_record("local-one")
    assert listing._lost(record).secondary == "begun, and never started"
    assert listing._lost(replace(record, arn="arn")).secondary == "the emulator has lost it"


LEASE = ("--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)


@pytest.mark.parametrize("words", [(), LEASE], ids=["no lease", "lease"])
def test_an_endpoint_whose_caller_was_killed_is_gone_on_with(aws: Served, words: tuple[str, ...]) -> None:
    assert run("deploy", "cars", "--yes", *words).exit_code == 0
    made = read_endpoint("cars")
    assert made is not None
    write_endpoint(replace(made, arn=""))
    ran = run("deploy", "cars", *words)
    assert ran.exit_code == 0, ran.output
    assert "note: endpoint cars was begun at" in ran.stderr
    assert ("its lease ends at" in ran.stderr) == bool(words)
    assert ran.stdout == "cars: InService\n"
    found = read_endpoint("cars")
    assert found is not None
    assert (found.arn, found.until) == (made.arn, made.until)
    write_endpoint(replace(made, arn=""))
    said = error_of(run("deploy", "cars", "--yes", "--instance-count", "2", *words))
    assert said.startswith("endpoint cars: is there already (InService), begun with other settings")


@pytest.mark.parametrize("content", ["{", "", '{"name": "cars"}'])
def test_an_endpoint_whose_record_is_damaged_can_be_deleted_with_it(aws: Served, content: str) -> None:
    assert run("deploy", "cars", "--yes").exit_code == 0
    endpoint_path("cars").write_text(content)
    said = error_of(run("deploy", "cars", "--yes"))
    assert said.endswith("restore it, or sageseg jobs delete cars removes it with its endpoint")
    ran = run("delete", "cars")
    assert ran.stdout.startswith("endpoint cars: deleted\n"), ran.exception
    assert "is damaged, and does not tell where cars is" in ran.stderr
    assert not endpoint_path("cars").exists()
    wait_until(lambda: aws.left() == [])


def predict(aws: Served, out: Path) -> Result:
    return run("predict", "cars", str(aws.dataset.root), "--out", str(out), "--via", "batch", "--yes")


@pytest.fixture
def killed_batch(aws: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Ends a batch as a kill does: nothing is stopped, cleaned up or forgotten."""

    def kill(where: str) -> None:
        def killed(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(f"jobs.prediction.batch_route.{where}", killed)
            patch.setattr("jobs.prediction.batch_route._clean", lambda *_: say("killed"))
            assert predict(aws, tmp_path / "out").exit_code == 130

    return kill


def transforms(aws: Served) -> list[str]:
    return [job["TransformJobName"] for job in aws.sagemaker().list_transform_jobs()["TransformJobSummaries"]]


def test_a_batch_whose_caller_was_killed_is_gone_on_with(
    aws: Served, tmp_path: Path, killed_batch: Callable[[str], None]
) -> None:
    before = transforms(aws)
    killed_batch("await_transform")
    (left,) = batches()
    assert left.arn
    ran = predict(aws, tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    assert f"note: transform job {left.name} was begun at" in ran.stderr
    assert sorted(transforms(aws)) == sorted([*before, left.name])
    assert batches() == []
    assert aws.left() == []


def test_a_batch_that_was_killed_before_it_was_asked_for_goes(
    aws: Served, tmp_path: Path, killed_batch: Callable[[str], None]
) -> None:
    killed_batch("start_transform")
    (left,) = batches()
    assert aws.keys(f"one/output/cars/batch/{left.name}")
    assert predict(aws, tmp_path / "out").exit_code == 0
    assert batches() == []
    assert aws.keys("one/output/cars/batch/") == []


@pytest.mark.parametrize("where", ["_clean", "delete_part", "BatchFolder.remove", "forget_batch"])
def test_a_batch_that_was_killed_while_it_cleaned_up_is_cleaned_up_by_the_next(
    aws: Served, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all answers are there, and another image is predicted."""

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"jobs.prediction.batch_route.{where}", killed)
        assert predict(aws, tmp_path / "out").exit_code == 130
    (left,) = batches()
    before = transforms(aws)
    assert predict(aws, tmp_path / "out").exit_code == 0
    assert transforms(aws) == before
    assert batches() == []
    assert aws.keys("one/output/cars/batch/") == []
    assert left.name not in [model["ModelName"] for model in aws.sagemaker().list_models()["Models"]]


@pytest.mark.parametrize(
    "source", [7, {}, *({"S3DataSource": {"S3Uri": f"s3://cars/one/{name}/input"}} for name in ("", "batch/other"))]
)
def test_a_record_of_a_batch_that_names_no_folder_of_its_own_removes_nothing(aws: Served, source: Any) -> None:
    transform = {"TransformInput": {"DataSource": source}}
    write_batch(BatchRecord("cars-batch-1", "aws", aws.record.region, aws.record.created, {}, transform))
    before = aws.keys("one/")
    with pytest.raises(SagesegError, match=r"batch\.json: .*(folder of its own|is missing).*; restore it, or remove"):
        clean_up_batches("aws", aws.record.region)
    assert aws.keys("one/") == before


def test_forgetting_a_job_at_aws_takes_its_record_alone(aws: Served) -> None:
    assert run("forget", "cars").stdout == "cars: forgotten; AWS in us-east-1 keeps the job, and S3 its artefact\n"
    assert "cars" not in record_names()
    assert "cars" in trained_names(aws)
    write_record(replace(begun(aws.record), name="never", created="2026-11-28T12:00:00+00:00"))
    assert run("forget", "never").stdout == "never: forgotten\n"


def test_what_runs_or_is_no_job_is_not_forgotten(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(training_jobs={"runs": {"start_seconds": 60}})
    assert train(aws, "--name", "runs", "--no-wait").exit_code == 0
    assert error_of(run("forget", "runs")) == (
        "runs: InProgress; sageseg jobs stop runs ends it, and then it can be forgotten"
    )
    assert run("stop", "runs").exit_code == 0
    sagemaker = aws.sagemaker()
    wait_until(lambda: sagemaker.describe_training_job(TrainingJobName="runs")["TrainingJobStatus"] == "Stopped")
    assert run("forget", "runs").exit_code == 0
    assert error_of(run("forget", "nobody")).startswith("nobody: no job of that name under")
    shutil.copytree(record_path("cars").parent, tmp_path / "x")
    assert "no job could be called so" in error_of(run("forget", "../x"))
    assert run("deploy", "cars", "--yes", "--name", "served").exit_code == 0
    assert "served: an endpoint; sageseg jobs delete served ends it" in error_of(run("forget", "served"))


def test_a_batch_whose_caller_was_killed_before_its_record_leaves_no_folder(aws: Served) -> None:
    left = record_path("x").parents[2] / "batches" / "cars-batch-1"
    left.mkdir(parents=True)
    (left / "batch.json.sageseg-partial").write_text("{")
    sweep_batches()
    assert not left.exists()

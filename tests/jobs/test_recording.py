"""Jobs written down at an MLflow server: what a run holds, that there is one, and that no server costs a job."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.texts import redaction
from formats.texts.told_scores import ToldScore
from jobs.recording import follow, record
from jobs.recording.facts import KEY, Report, metric_word, training_facts, with_report
from jobs.recording.mlflow_server import SETTINGS, RecordError, open_mlflow
from jobs.recording.place import check_installed, experiment_name, is_arn, parse_mlflow
from jobs.tracking.job_calls import FoundJob, JobFailedError
from jobs.tracking.records import JobRecord, write_record
from jobs.tracking.tuning_ranking import TunedJob
from tests.support.mlflow_setup import answering, mlflow_running

START = datetime(2026, 11, 29, 8, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/cars"
MANAGED = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team"
EPOCHS: list[dict[str, Any]] = [
    {"epoch": 0, "train_loss": 0.75, "train_throughput": None, "validation_mIOU": 0.25},
    {"epoch": 1, "train_loss": 0.5, "train_throughput": 8.0, "validation_mIOU": 0.5},
]
MS = int(START.timestamp() * 1000)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", tmp_path.name)
    for name in SETTINGS:  # what it sets is this test's alone
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_running(tmp_path_factory.mktemp("mlflow") / "server") as uri:
        yield uri


def job(tmp_path: Path | None = None, **told: Any) -> FoundJob:
    """A training that ended well, with an artefact of this machine where a folder is given."""
    description: dict[str, Any] = {
        "TrainingJobName": "cars",
        "TrainingJobArn": ARN,
        "TrainingJobStatus": "Completed",
        "CreationTime": START,
        "LastModifiedTime": START + timedelta(seconds=20),
        "TrainingEndTime": START + timedelta(seconds=20),
        "BillableTimeInSeconds": 18,
        "HyperParameters": {"epochs": "2", "learning_rate": "0.1"},
        "AlgorithmSpecification": {"TrainingImage": "image"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge"},
        "InputDataConfig": [],
    }
    if tmp_path:
        (tmp_path / "model.tar.gz").write_bytes(b"model")
        description["ModelArtifacts"] = {"S3ModelArtifacts": (tmp_path / "model.tar.gz").as_uri()}
    kept = JobRecord(
        "cars",
        "aws",
        "us-east-1",
        "/data/cars",
        "a" * 64,
        ["_background_", "car"],
        {},
        git_commit="b" * 40,
        cost={"usd_per_hour": 2.0},
        epochs=EPOCHS,
        command=["train", "cars", "--mlflow", "http://me:pass-word-of-mine@mlflow"],
        tool_version="1.0",
    )
    return FoundJob(kept, description | told)


def runs_of(uri: str) -> list[Any]:
    client = open_mlflow(uri).client
    experiment = client.get_experiment_by_name(experiment_name())
    return sorted(client.search_runs([experiment.experiment_id]), key=lambda run: run.info.run_name)


def test_a_job_is_one_run_however_often_it_is_written_down(server: str, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("page")
    scores = (ToldScore("mean_iou", 0.5, 0.25, 0.75), ToldScore("iou.rot/grün", 0.5))
    report = Report(tmp_path, scores, (page,))
    found = job(tmp_path)
    running = FoundJob(
        replace(found.record, epochs=EPOCHS[:1]), found.description | {"TrainingJobStatus": "InProgress"}
    )
    first = record.record_job(server, running)
    assert {record.record_job(server, found), record.record_job(server, found, report)} == {first}
    assert record.record_job(server, found, report) == first
    [run] = runs_of(server)
    client = open_mlflow(server).client
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", MS, MS + 20_000)
    assert run.data.params == {"epochs": "2", "learning_rate": "0.1"}
    assert run.data.metrics == {
        "train/loss": 0.5,
        "train/throughput": 8.0,
        "validation/mIOU": 0.5,
        "billed_seconds": 18,
        "cost_usd": 0.01,
        "report/mean_iou": 0.5,
        "report/mean_iou.low": 0.25,
        "report/mean_iou.high": 0.75,
        "report/iou/rot-grün": 0.5,
    }
    losses = client.get_metric_history(first, "train/loss")
    assert [(each.step, each.value) for each in losses] == [(0, 0.75), (1, 0.5)]
    assert len(client.get_metric_history(first, "report/mean_iou")) == 1
    tags = run.data.tags
    assert (tags["sageseg.arn"], tags["sageseg.dataset_sha256"], tags["sageseg.cost_usd"]) == (ARN, "a" * 64, "0.0100")
    assert (tags["mlflow.source.git.commit"], tags["sageseg.tool_version"]) == ("b" * 40, "1.0")
    assert "pass-word-of-mine" not in str(tags)
    listed = [*client.list_artifacts(first), *client.list_artifacts(first, "report")]
    assert sorted(each.path for each in listed) == ["model.tar.gz", "report", "report/index.html"]


def test_commands_at_the_same_time_make_one_run(server: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = {each.result() for each in [pool.submit(record.record_job, server, job()) for _ in range(4)]}
    [run] = runs_of(server)
    assert made == {run.info.run_id}


def test_another_job_of_that_name_is_another_run(server: str) -> None:
    again = job(CreationTime=START + timedelta(seconds=1))
    assert record.record_job(server, job()) != record.record_job(server, again)
    assert len(runs_of(server)) == 2


def test_a_tuning_jobs_trainings_stand_below_it(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = job(TuningJobArn="arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/search")
    config = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"MetricName": "validation:mIOU"},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": "0.1", "MaxValue": "1"}]
        },
    }
    request = {
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {"StaticHyperParameters": {"epochs": "2"}},
    }
    description = {
        "HyperParameterTuningJobArn": "arn:search",
        "HyperParameterTuningJobStatus": "Completed",
        "CreationTime": START,
        "HyperParameterTuningEndTime": START + timedelta(seconds=30),
    }
    search = FoundJob(replace(trained.record, name="search", kind="tuning", request=request, epochs=[]), description)
    search.__dict__["training_jobs"] = [TunedJob("cars", "Completed", {"learning_rate": "0.1"}, 0.5)]
    monkeypatch.setattr(record, "describe", lambda _: trained.description)
    monkeypatch.setattr(record, "billed_seconds", lambda *_: 18)
    monkeypatch.setattr(record, "epochs_of", lambda _: EPOCHS)
    parent = record.record_job(server, search)
    assert record.record_job(server, search) == parent
    below, above = runs_of(server)
    assert (above.info.run_id, below.data.tags["mlflow.parentRunId"]) == (parent, parent)
    assert above.data.params == {
        "epochs": "2",
        "range.learning_rate": "0.1:1",
        "strategy": "Random",
        "objective": "validation:mIOU",
    }
    assert above.data.metrics == {"validation/mIOU": 0.5, "cost_usd": 0.01}
    assert (above.data.tags["sageseg.best"], below.data.metrics["train/loss"]) == ("cars", 0.5)
    with pytest.raises(SagesegError, match="search: is a tuning job, and a report is of one model; name search:best"):
        record.record_job(server, search, Report(Path(), ()))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"{}", "application/json"),
        (200, b"<html>sign in</html>", "text/html"),
        (200, b"[1]", "application/json"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', "application/json"),
    ],
)
def test_what_is_no_mlflow_or_fails_is_one_line(status: int, body: bytes, kind: str) -> None:
    with answering(status, body, kind) as uri, pytest.raises(RecordError, match=rf"^{uri}: cannot be written to \("):
        record.record_job(uri, job())


def test_a_server_that_is_away_costs_no_job_and_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
    ended = replace(job().record, description=job().description)
    write_record(ended)
    calls: list[str] = []

    def followed(begun: JobRecord, seen: Any) -> JobRecord:
        seen(job().description, [])
        calls.append(begun.name)
        return ended

    monkeypatch.setattr(follow, "follow_or_leave", followed)
    monkeypatch.setattr(follow, "record_begun", lambda *_: calls.append("begun"))
    assert (follow.follow_recorded(job().record, uri), calls) == (ended, ["cars"])
    begin, end = capsys.readouterr().err.splitlines()
    assert begin.endswith("the job goes on, and at its end this is tried again")
    assert end.endswith(f"the job is as it is; sageseg jobs record cars --mlflow {uri} writes it down")

    def failed(*_: Any) -> JobRecord:
        raise JobFailedError("cars: Failed", "")

    monkeypatch.setattr(follow, "follow_or_leave", failed)
    with pytest.raises(JobFailedError, match="cars: Failed"):  # and not what became of its record
        follow.follow_recorded(job().record, uri)


@pytest.mark.parametrize("begins", [follow.follow_recorded, follow.begin_recorded])
def test_ctrl_c_while_a_server_is_waited_for_tells_of_the_job(
    begins: Callable[[JobRecord, str], JobRecord], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "open_mlflow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        begins(job().record, "http://mlflow")
    goes_on, later = capsys.readouterr().err.splitlines()[-2:]
    assert goes_on.startswith("cars goes on; sageseg jobs logs cars --follow watches it again")
    assert later == "sageseg jobs record cars --mlflow http://mlflow writes it down once it has ended"


def test_ctrl_c_while_an_ended_job_is_written_down_tells_how_it_is_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "record_job", interrupted)
    with pytest.raises(KeyboardInterrupt):
        follow.record_or_say("http://mlflow", job().record)
    said = "the job is as it is; sageseg jobs record cars --mlflow http://mlflow writes it down\n"
    assert capsys.readouterr().err == said


def test_while_it_runs_epochs_are_told_as_of_now_and_at_its_end_evenly_over_its_time() -> None:
    running = job(TrainingJobStatus="InProgress")
    now = training_facts(running, EPOCHS, START + timedelta(seconds=4))
    assert (now.status, now.ended) == ("RUNNING", None)
    assert [each.at - MS for each in now.metrics if each.name == "train/loss"] == [2000, 4000]
    ended = training_facts(job(), EPOCHS, START + timedelta(days=1))
    assert [each.at - MS for each in ended.metrics if each.name == "train/loss"] == [10_000, 20_000]
    failed = training_facts(job(TrainingJobStatus="Failed", FailureReason="no"), (), START)
    assert (failed.status, failed.tags["sageseg.reason"]) == ("FAILED", "no")


def test_the_run_that_aws_made_for_a_job_is_taken() -> None:
    assert training_facts(job(MlflowDetails={"MlflowRunId": "abc"}), (), START).run_id == "abc"


@given(st.lists(st.text(max_size=300), min_size=1, max_size=6, unique=True))
def test_every_class_has_a_metric_that_mlflow_takes(names: list[str]) -> None:
    from mlflow.utils import validation

    report = Report(Path(), tuple(ToldScore(f"iou.{name}", 0.5, 0.25, 0.75) for name in names))
    metrics = [each.name for each in with_report(training_facts(job(), (), START), report, START).metrics]
    scores = [name for name in metrics if name.startswith("report/")]
    assert len(set(scores)) == 3 * len(names)
    for name in scores:
        validation._validate_metric_name(name)  # type: ignore[no-untyped-call]  # MLflow's own rule


def test_a_name_that_is_a_path_is_none() -> None:
    assert [metric_word(name) for name in ("..", "", "a/b", "car")] == ["-", "-", "a-b", "car"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://mlflow:5000",
        "https://a:b@mlflow/x",
        "databricks",
        "sqlite:///m.db",
        "postgresql+psycopg2://h/d",
        MANAGED,
    ],
)
def test_places_of_a_record(uri: str) -> None:
    assert parse_mlflow(uri) == uri
    assert is_arn(uri) is (uri == MANAGED)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mlruns", "--mlflow mlruns: expected an MLflow server's http:// or https:// URI"),
        ("http:/mlflow", "--mlflow http:/mlflow: expected an MLflow server's"),
        ("ftp://mlflow", "--mlflow ftp://mlflow: expected an MLflow server's"),
        ("arn:aws:s3:::bucket", "--mlflow arn:aws:s3:::bucket: no ARN of an MLflow; expected such as"),
        ("http://[", "--mlflow http://[: no URI (Invalid IPv6 URL); expected an MLflow server's"),
        ("http://mlflow:no", "--mlflow http://mlflow:no: no URI (a port is a number"),
        ("me:se-cret@mlflow:5000", "--mlflow ***@mlflow:5000: expected an MLflow server's"),
        ("http:me:se-cret@mlflow", "--mlflow ***@mlflow: expected an MLflow server's"),
        ("http://me:se-cret/@mlflow", "--mlflow ***@mlflow: no URI (a port is a number"),
        ("http://me:1/se-cret@mlflow", "--mlflow ***@mlflow: no URI (a port is a number"),
        ("http://me:se-cret 1@mlflow", "--mlflow ***@mlflow: no URI (a port is a number"),
    ],
)
def test_what_is_no_place_of_a_record_is_refused(uri: str, said: str) -> None:
    with pytest.raises(SagesegError, match=re.escape(said)) as refused:
        parse_mlflow(uri)
    assert "se-cret" not in str(refused.value)


def test_who_may_write_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    for uri in ("http://me:my%40pass-word@mlflow", "http://my-token-of-12@mlflow"):
        parse_mlflow(uri)
    assert redaction.redact("refused my%40pass-word, my@pass-word, my-token-of-12") == "refused ***, ***, ***"


@pytest.mark.parametrize(
    ("uri", "missing", "line"),
    [
        ("http://mlflow", "mlflow", "run pip install -e '.[mlflow]' in the checkout"),
        (MANAGED, "sagemaker_mlflow", "run pip install sagemaker-mlflow"),
    ],
)
def test_what_speaks_to_it_is_named_where_it_is_missing(
    uri: str, missing: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.recording.place.find_spec", lambda name: None if name == missing else object())
    with pytest.raises(SagesegError, match=re.escape(line)):
        check_installed(uri)


def test_a_run_is_found_by_what_no_other_job_has() -> None:
    assert training_facts(job(), (), START).tags[KEY] == f"{ARN} 2026-11-29T08:00:00.000+00:00"

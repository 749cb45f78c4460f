"""A command asks AWS nothing twice: a name is looked up once, and what was told is kept."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from aws.errors import AwsError
from jobs.prediction.crops_to_predict import SourceWork
from jobs.prediction.output import Begun, Predicted
from jobs.tracking.records import JobRecord
from jobs.tracking.trained_model import TrainedModel
from tests.support.asked_of_aws import asked_of_aws, repeated
from tests.support.aws_setup import ROLE, error_of
from tests.support.serving_setup import Served, run

pytestmark = pytest.mark.usefixtures("aws")


def operations(*words: str) -> list[str]:
    """What a command that succeeds asks for, each once."""
    with asked_of_aws() as asked:
        ran = run(*words)
    assert ran.exit_code == 0, (ran.output, ran.exception)
    assert repeated(asked) == []
    return [request.split()[0].partition(".")[2] for request in asked]


@pytest.fixture(params=["where it was started", "another machine"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bool:
    if request.param == "another machine":
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    return bool(request.param == "another machine")


def test_show(elsewhere: bool) -> None:
    fetched = ["GetObject"] if elsewhere else []  # the job's record, beside its artefact
    log = ["DescribeLogStreams", "GetLogEvents", "GetLogEvents"]  # until a page brings nothing new
    used = ["GetMetricStatistics", "GetMetricStatistics"]
    assert operations("show", "cars") == ["DescribeTrainingJob", *fetched, *log, *used]


def test_a_dry_run_without_an_earlier_job_asks_for_the_quotas_alone(aws: Served) -> None:
    words = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", "1", "--dry-run")
    assert operations("train", str(aws.dataset.root), *words) == ["ListServiceQuotas"]


def test_a_dry_run_looks_up_an_earlier_job_once_though_it_lends_twice(aws: Served, elsewhere: bool) -> None:
    words = ("--data", "s3://cars/one", "--role", ROLE, "--like", "cars", "--model", "cars", "--dry-run")
    fetched = ["GetObject"] if elsewhere else []
    assert operations("train", str(aws.dataset.root), *words) == ["ListServiceQuotas", "DescribeTrainingJob", *fetched]


@dataclass(frozen=True)
class Blank:
    """A route that reads the artefact's file, which here holds no network, and finds background everywhere."""

    trained: TrainedModel

    @contextmanager
    def begin(self, work: Sequence[SourceWork]) -> Iterator[Begun]:
        assert self.trained.artefact_path.is_file()
        rows = [row for source in work for row in source.rows]
        yield Begun(Predicted(row, np.zeros((row.height, row.width), np.uint8)) for row in rows)


def test_predictions_by_the_artefact(
    aws: Served, elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.prediction.predict._choose_route", lambda trained, *_: Blank(trained))
    fetched = ["GetObject"] if elsewhere else []
    words = ("predict", "cars", str(aws.dataset.root), "--out", str(tmp_path / "out"))
    assert operations(*words) == ["DescribeTrainingJob", *fetched, "GetObject"]


def test_predictions_by_an_endpoint(aws: Served, tmp_path: Path) -> None:
    assert run("deploy", "cars", "--yes").exit_code == 0
    words = ("predict", "cars", str(aws.dataset.root), "--out", str(tmp_path / "out"), "--via", "endpoint")
    asked = operations(*words)
    assert asked[:4] == ["DescribeTrainingJob", "DescribeEndpoint", "ListTags", "DescribeEndpointConfig"]
    assert set(asked[4:]) == {"InvokeEndpoint"}


def test_predictions_by_a_batch_transform(aws: Served, tmp_path: Path) -> None:
    words = ("predict", "cars", str(aws.dataset.root), "--out", str(tmp_path / "out"), "--via", "batch", "--yes")
    with asked_of_aws() as asked:
        assert run(*words).exit_code == 0
    verbs = {request.split()[0] for request in repeated(asked)} - {"s3.HeadObject"}  # the emulator's, in this process
    assert verbs <= {"sagemaker.DescribeTransformJob"}  # until its end


def test_a_refusal_is_not_read_as_there_being_no_such_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: JobRecord) -> None:
        raise AwsError("describing nobody", "AccessDeniedException", "sagemaker:DescribeTrainingJob is not allowed")

    monkeypatch.setattr("jobs.tracking.find_jobs.describe", refuse)
    said = error_of(run("show", "nobody"))
    assert re.match(
        r"nobody: no job of that name under \S+, and AWS in us-east-1 cannot be asked \(describing nobody: Access",
        said,
    )

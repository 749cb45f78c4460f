"""Models in the registry: registered with their report's scores, found again, deployed from there."""

import json
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from formats.texts.told_scores import ToldScore
from jobs.packages.scores_file import property_of, scores_file
from jobs.tracking.trained_model import TrainedModel
from tests.support.aws_setup import ROLE, aws_client
from tests.support.serving_setup import Served, run

ELSEWHERE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/fleet/1"
SCORES = {
    "classes": ["_background_", "car"],
    "images": 3,
    "overall": {"iou": {"_background_": 0.75, "car": 0.5}, "mean_iou": 0.625, "mean_dice": None},
    "intervals": {
        "groups": 3,
        "level": 0.95,
        "note": None,
        "overall": {"iou": {"_background_": [0.7, 0.8], "car": None}, "mean_iou": [0.55, 0.7]},
    },
    "job": {"job": "cars"},
}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return make_report(tmp_path / "report")


def make_report(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "scores.json").write_text(json.dumps({**SCORES, **changes}))
    return folder


def test_a_model_is_registered_once_with_its_scores_and_deployed_when_it_is_approved(
    aws: Served, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainedModel, "is_onnx", False)  # the stand-in's artefact is none
    words = ("register", "cars", "--group", "fleet", "--report", str(report))
    ran = run(*words)
    assert ran.exit_code == 0, ran.output
    arn = ran.stdout.splitlines()[1]
    assert ran.stdout == f"fleet:1: PendingManualApproval\n{arn}\n"
    told = aws.sagemaker().describe_model_package(ModelPackageName=arn)
    statistics = told["ModelMetrics"]["ModelQuality"]["Statistics"]
    bucket, key = statistics["S3Uri"].removeprefix("s3://").split("/", 1)
    kept = aws_client("s3", aws.url).get_object(Bucket=bucket, Key=key)["Body"].read()
    assert key.startswith("one/output/cars/output/scores-")
    assert json.loads(kept) == {
        "version": 1,
        "multiclass_classification_metrics": {
            "mean_iou": {"value": 0.625, "low": 0.55, "high": 0.7},
            "iou._background_": {"value": 0.75, "low": 0.7, "high": 0.8},
            "iou.car": {"value": 0.5},
        },
        "images": 3,
        "intervals": {"level": 0.95, "groups": 3},
    }
    assert told["CustomerMetadataProperties"]["mean_iou"] == "0.6250 from 0.5500 to 0.7000"
    assert told["CustomerMetadataProperties"]["job"] == "cars"

    waits = run("deploy", "--model-package", "fleet", "--yes")
    assert (waits.exit_code, waits.stdout) == (1, "")
    assert "none of its versions is approved" in str(waits.exception)
    assert run(*words, "--approve").stdout == f"fleet:1: there already, Approved\n{arn}\n"

    dry = [run("deploy", "--model-package", named, "--dry-run", "--role", ROLE) for named in ("fleet:1", "fleet", arn)]
    assert dry[0].stdout == dry[1].stdout == dry[2].stdout
    assert json.loads(dry[0].stdout)["CreateModel"]["PrimaryContainer"] == {"ModelPackageName": arn}
    assert json.loads(dry[0].stdout)["CreateEndpoint"]["EndpointName"] == "fleet-1"


def test_a_report_of_another_job_is_no_report_of_this_model(aws: Served, tmp_path: Path) -> None:
    report = make_report(tmp_path / "other", job={"job": "vans"})
    ran = run("register", "cars", "--group", "fleet", "--report", str(report))
    assert ran.exit_code == 1
    assert str(ran.exception) == (f"{report}: a report of job vans, not of cars; name that job, or cars's own report")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("register", "cars", "--group", "my fleet"), "--group my fleet: expected letters of A to Z"),
        (("deploy",), "deploy: expected a job, an artefact, or --model-package, and one of them"),
        (("deploy", "cars", "--model-package", "fleet"), "deploy: expected a job, an artefact, or --model-package"),
        (("deploy", "--model-package", "fleet:x"), "--model-package fleet:x: expected a version's ARN, GROUP"),
        (("deploy", "--model-package", "nobody"), "--model-package nobody: no model package group nobody"),
        (
            ("deploy", "--model-package", ELSEWHERE, "--region", "us-west-2"),
            f"--model-package {ELSEWHERE}: is in eu-west-1, and --region us-west-2 is another; leave --region out",
        ),
        (("deploy", "--model-package", "fleet", "--image", "x"), "--image: not with --model-package"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(aws: Served, words: tuple[str, ...], said: str) -> None:
    ran = run(*words)
    assert (ran.exit_code, isinstance(ran.exception, SagesegError)) == (1, True), ran.output
    assert str(ran.exception).startswith(said)


def test_scores_without_intervals_tell_none() -> None:
    text, _ = scores_file([ToldScore("iou.ä", 0.5)], level=None, groups=1, images=2)
    assert json.loads(text) == {
        "version": 1,
        "multiclass_classification_metrics": {"iou.ä": {"value": 0.5}},
        "images": 2,
    }
    assert property_of(ToldScore("iou.ä", 0.5)) == "0.5000"

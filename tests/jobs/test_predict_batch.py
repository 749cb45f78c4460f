"""Predictions by a batch transform: what it leaves, what it costs, one line for what goes wrong."""

import re
from pathlib import Path
from typing import Any

import botocore.client
import pytest

from jobs.contract.hyperparameters import parse_network
from tests.support.aws_setup import error_of
from tests.support.emulator_setup import wait_until
from tests.support.serving_setup import NAME, Served, nothing_written, predict, run


def test_a_batch_lies_apart_and_leaves_nothing(aws: Served, tmp_path: Path) -> None:
    ran = predict(aws, tmp_path / "out", "--via", "batch", "--yes", "--keep")
    said = ran.stderr
    assert ran.exit_code == 0, ran.output
    assert "ml.c5.xlarge: $0.204 per hour" in said
    kept = aws.keys("one/output/cars/batch/")
    assert {Path(key).parent.name for key in kept} == {"input", "output"}
    assert sorted(Path(key).name for key in kept if "/input/" in key) == [f"car{n}_01.jpg" for n in range(4)]
    assert "kept: model cars-batch-" in said
    aws.settle()
    before = len(kept)
    assert predict(aws, tmp_path / "again", "--via", "batch", "--yes").exit_code == 0
    assert len(aws.keys("one/output/cars/batch/")) == before
    assert aws.left() == []


@pytest.mark.parametrize(
    ("plan", "message", "said"),
    [
        (
            {"transform_jobs": {"*": {"fail_objects": "car2*"}}},
            r"cars-batch-\S+: Failed: AlgorithmError: See job logs for more information; --via artefact",
            "rehearsed failure of the model",
        ),
        (
            {"transform_jobs": {"*": {"capacity_error": True}}},
            "Failed: CapacityError.*name another --instance-type",
            "",
        ),
        (
            {"quotas": {"ml.c5.* for transform job usage": 0}, "calls": {"ListServiceQuotas": 9}},
            "ResourceLimitExceeded.*Service Quotas",
            "note: no quota was looked at",
        ),
    ],
    ids=["an object", "capacity", "quota"],
)
def test_a_batch_that_fails_shows_why_and_leaves_nothing(
    aws: Served, tmp_path: Path, plan: dict[str, Any], message: str, said: str
) -> None:
    before = aws.keys("one/output/cars/batch/")
    aws.rehearse(**plan)
    ran = predict(aws, tmp_path / "out", "--via", "batch", "--yes")
    assert re.search(message, error_of(ran)), error_of(ran)
    assert said in ran.stderr
    assert nothing_written(tmp_path / "out")
    assert aws.left() == []
    assert aws.keys("one/output/cars/batch/") == before


def test_a_model_that_does_not_tell_its_classes_costs_no_batch(
    aws: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.tracking.trained_model.parse_network", lambda _: parse_network({}))
    images = str(aws.dataset.image_path("car0_01").parent)
    before = aws.keys("one/output/cars/batch/")
    ran = run("predict", NAME, images, "--out", str(tmp_path / "out"), "--via", "batch", "--yes")
    assert error_of(ran) == (
        "cars: hyperparameter num_classes is missing; expected the number of classes, background included; "
        "train it again"
    )
    assert "per hour" not in ran.stderr
    assert aws.keys("one/output/cars/batch/") == before


def test_what_a_batch_cannot_delete_is_told_and_its_predictions_stay(
    aws: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = botocore.client.BaseClient._make_api_call

    def refuse(client: Any, operation: str, given: dict[str, Any]) -> Any:
        if operation != "DeleteObjects":
            return real(client, operation, given)
        key = given["Delete"]["Objects"][0]["Key"]
        return {"Errors": [{"Key": key, "Code": "AccessDenied", "Message": "Access Denied"}]}

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", refuse)
        ran = predict(aws, tmp_path / "out", "--via", "batch", "--yes")
    assert ran.exit_code == 0, ran.output
    assert re.search(r"model \S+ and s3://\S+ may remain \(.*AccessDenied", ran.stderr), ran.stderr
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 4
    aws.settle()


@pytest.mark.parametrize("words", [("--yes",), ("--max-cost", "0")], ids=["ctrl-c", "spent"])
def test_a_batch_that_is_not_waited_for_is_stopped(
    aws: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.prediction.transform_job.sleep", interrupt)
    aws.rehearse(transform_jobs={"*": {"start_seconds": 60}})
    ran = predict(aws, tmp_path / "out", "--via", "batch", *words)
    if words == ("--yes",):
        assert ran.exit_code == 130
    else:
        assert re.search("has cost --max-cost 0 after .* and is stopped", error_of(ran))
    assert "stopping" in ran.stderr
    name = str(re.findall(r"transform job (\S+): stopping", ran.stderr)[0])
    sagemaker = aws.sagemaker()
    wait_until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped")
    assert aws.left() == []
    assert nothing_written(tmp_path / "out")


def test_a_batch_is_refused_before_anything_is_sent(aws: Served, tmp_path: Path) -> None:
    before = aws.keys("one/output/cars/batch/")
    for words, message in (
        ((), "nobody is there to ask; add --yes"),
        (("--yes", "--instance-type", "ml.c5d.xlarge"), "ml.c5d.xlarge: no instance type for batch transform"),
        (("--max-cost", "1", "--instance-type", "ml.m4.xlarge"), "price is unknown, so --max-cost 1 cannot be kept"),
    ):
        assert message in error_of(predict(aws, tmp_path / "out", "--via", "batch", *words))
        assert aws.keys("one/output/cars/batch/") == before
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert "exists already" in error_of(predict(aws, tmp_path / "there", "--via", "batch", "--yes"))

"""Predictions by a batch transform on several instances: the price, what is refused, what is gone on with."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from formats.masks import read_mask
from jobs.cost.prices import Rate
from jobs.cost.quotes import TransformQuote
from jobs.prediction.batch_folder import BatchFolder
from jobs.prediction.batch_record import batches
from jobs.prediction.batch_terms import transform_usd_per_hour
from jobs.prediction.transform_job import SpendingLimit
from tests.support.aws_setup import error_of
from tests.support.serving_setup import Served, expected_mask, nothing_written, predict

BATCH = ("--via", "batch", "--yes", "--instances")
CROPS = 4


def told(out: Path) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((out / "predictions.json").read_text())
    return info


def counts(aws: Served) -> list[int]:
    """Of how many instances each transform was, the latest first."""
    sagemaker = aws.sagemaker()
    names = [job["TransformJobName"] for job in sagemaker.list_transform_jobs()["TransformJobSummaries"]]
    described = [sagemaker.describe_transform_job(TransformJobName=name) for name in names]
    return [found["TransformResources"]["InstanceCount"] for found in described]


@pytest.mark.parametrize("count", [2, 3, CROPS])
def test_instances_share_the_crops_and_are_all_paid_for(aws: Served, tmp_path: Path, count: int) -> None:
    ran = predict(aws, tmp_path / "out", *BATCH, str(count))
    assert ran.exit_code == 0, ran.output
    assert f"{count} × ml.c5.xlarge: ${count * 0.204:.4g} per hour ($0.204 each, " in ran.stderr
    assert re.search(rf"started transform job \S+ on {count} × ml\.c5\.xlarge$", ran.stderr, re.MULTILINE)
    info = told(tmp_path / "out")
    assert info["transform_request"]["TransformResources"]["InstanceCount"] == count
    usd = info["transform_seconds"] / 3600 * count * 0.204
    assert info["transform_usd"] == pytest.approx(usd, abs=1e-4)
    for number in range(CROPS):
        made = read_mask(tmp_path / "out" / "masks" / f"car{number}_01.png")
        assert (made == expected_mask(aws.dataset, f"car{number}_01")).all()
    assert aws.left() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*BATCH, "0"), "--instances 0: expected a whole number from 1 to 100"),
        ((*BATCH, "101"), "--instances 101: expected a whole number from 1 to 100"),
        ((*BATCH, "2.5"), "--instances 2.5: expected a whole number"),
        ((*BATCH, "two"), "--instances two: expected a whole number"),
        ((*BATCH, "5"), "--instances 5: more than the crops to predict, 4; .* expected 1 to 4"),
        (("--instances", "2"), "--instances: only with --via batch; with --via artefact it has no effect"),
    ],
)
def test_numbers_of_instances_that_are_refused_before_anything_is_sent(
    aws: Served, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    before = aws.keys("one/output/cars/batch/"), counts(aws)
    assert re.match(message, error_of(predict(aws, tmp_path / "out", *words)))
    assert (aws.keys("one/output/cars/batch/"), counts(aws)) == before
    assert nothing_written(tmp_path / "out")


@pytest.mark.parametrize(
    ("quota", "count", "message"),
    [
        (2, 3, "3 × ml.c5.xlarge: this account's quota .* is 2; lower --instances to 2, ask for more under Service"),
        (0, 2, "2 × ml.c5.xlarge: this account's quota .* is 0; ask for more under Service Quotas, or name another"),
        (0, 1, "ml.c5.xlarge: this account's quota 'ml.c5.xlarge for transform job usage' is 0; ask for more"),
    ],
)
def test_too_low_a_quota_is_told_before_anything_is_sent(
    aws: Served, tmp_path: Path, quota: int, count: int, message: str
) -> None:
    before = aws.keys("one/output/cars/batch/")
    aws.rehearse(quotas={"ml.c5.* for transform job usage": quota})
    ran = predict(aws, tmp_path / "out", *BATCH, str(count))
    assert re.match(message, error_of(ran))
    assert "per hour" not in ran.stderr
    assert aws.keys("one/output/cars/batch/") == before


def test_a_quota_that_nobody_may_look_at_is_met(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(quotas={"ml.c5.* for transform job usage": 1}, calls={"ListServiceQuotas": 99})
    ran = predict(aws, tmp_path / "out", *BATCH, "2")
    assert "note: no quota was looked at" in ran.stderr
    assert re.search("ResourceLimitExceeded.*request delta of 2 Instances", error_of(ran))
    assert aws.left() == []


def test_a_quota_that_suffices_is_no_word(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(quotas={"ml.c5.* for transform job usage": 2})
    ran = predict(aws, tmp_path / "out", *BATCH, "2")
    assert (ran.exit_code, "quota" in ran.stderr) == (0, False), ran.output


def test_an_instance_that_is_lost_is_a_failure_that_leaves_nothing(aws: Served, tmp_path: Path) -> None:
    aws.rehearse(transform_jobs={"*": {"lose_instance": 2}})
    ran = predict(aws, tmp_path / "out", *BATCH, "2")
    assert re.search("Failed: AlgorithmError: See job logs", error_of(ran))
    assert "Unable to get response from algorithm" in ran.stderr
    assert aws.left() == []
    assert nothing_written(tmp_path / "out")
    aws.settle()
    assert predict(aws, tmp_path / "out", *BATCH, "2").exit_code == 0


@pytest.mark.parametrize(("count", "after"), [(1, 3600), (2, 1800), (4, 900)])
def test_all_instances_count_against_the_most_it_may_cost(count: int, after: int) -> None:
    resources = {"InstanceType": "ml.c5.xlarge", "InstanceCount": count}
    hourly = transform_usd_per_hour({"TransformResources": resources}, Rate(0.2, "a test"))
    limit = SpendingLimit("batch", 0.2, hourly)
    limit.check(after - 1)
    with pytest.raises(SagesegError, match=r"has cost --max-cost 0\.2 after"):
        limit.check(after)


def test_an_unknown_price_stays_unknown() -> None:
    resources = {"TransformResources": {"InstanceType": "ml.x", "InstanceCount": 3}}
    assert transform_usd_per_hour(resources, Rate(None, "nobody")) is None
    assert transform_usd_per_hour(resources, None) is None
    quote = TransformQuote("ml.x", Rate(None, "nobody"), 3)
    assert quote.describe(None) == "3 × ml.x: price unknown (nobody); a transform is billed for as long as it runs"


@pytest.fixture
def last_answer() -> Callable[[BaseException], pytest.MonkeyPatch]:
    """Lets fetching the last crop's answer raise, until what is answered is undone."""

    def breaks(error: BaseException) -> pytest.MonkeyPatch:
        real, patch = BatchFolder.answer, pytest.MonkeyPatch()

        def answer(folder: BatchFolder, name: str) -> bytes:
            if name == "car3_01":
                raise error
            return real(folder, name)

        patch.setattr(BatchFolder, "answer", answer)
        return patch

    return breaks


def test_fewer_crops_that_are_left_take_fewer_instances(
    aws: Served, tmp_path: Path, last_answer: Callable[[BaseException], pytest.MonkeyPatch]
) -> None:
    patch = last_answer(SagesegError("lost on the way"))
    try:
        assert error_of(predict(aws, tmp_path / "out", *BATCH, "3")) == "lost on the way"
    finally:
        patch.undo()
    ran = predict(aws, tmp_path / "out", *BATCH, "3")
    assert ran.exit_code == 0, ran.output
    assert "note: crops left to predict: 1; --instances 3 is lowered to that" in ran.stderr
    assert "\nml.c5.xlarge: $0.204 per hour" in ran.stderr
    assert sorted(counts(aws)[:2]) == [1, 3]


def test_a_transform_of_more_crops_than_are_left_is_gone_on_with(
    aws: Served, tmp_path: Path, last_answer: Callable[[BaseException], pytest.MonkeyPatch]
) -> None:
    patch = last_answer(KeyboardInterrupt())
    try:
        assert predict(aws, tmp_path / "out", *BATCH, "3").exit_code == 130
    finally:
        patch.undo()
    (left,) = batches()
    before = counts(aws)
    ran = predict(aws, tmp_path / "out", *BATCH, "3")
    assert ran.exit_code == 0, ran.output
    assert f"note: transform job {left.name} was begun at" in ran.stderr
    assert counts(aws) == before
    assert told(tmp_path / "out")["transform_request"]["TransformResources"]["InstanceCount"] == 3
    assert batches() == []

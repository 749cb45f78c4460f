"""What an execution may cost is said and agreed to before it starts."""

from __future__ import annotations

from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.cost.prices import Rate
from jobs.pipelines import costs
from jobs.pipelines.costs import agree_on_execution
from jobs.pipelines.policies import Again, Policies
from jobs.training import quoting
from tests.support.pipeline_samples import SECTIONS, read

HOUR = {"ml.c5.2xlarge": 1.0, "ml.g5.xlarge": 10.0, "ml.c5.xlarge": 100.0}


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_region: str, instance_type: str, *_: Any, **__: Any) -> Rate:
        return Rate(HOUR.get(instance_type), "a table")

    for module in (costs, quoting):
        monkeypatch.setattr(module, "find_rate", find)


def agreed(sections: dict[str, Any], capsys: pytest.CaptureFixture[str], **given: Any) -> str:
    agree_on_execution(read(sections).experiment, "eu-west-1", **{"max_cost": None, "yes": True, **given})
    return capsys.readouterr().err


def test_each_step_is_told_and_all_of_them_together(capsys: pytest.CaptureFixture[str]) -> None:
    sections = SECTIONS | {"process": {"instances": 3, "max_hours": 2}}
    sections["train"] = {**SECTIONS["train"], "max_runtime": 3600}
    told = agreed(sections, capsys).splitlines()
    assert [line.partition(":")[0] for line in told[:5]] == ["Prepare", "Dataset", "Train", "Predict", "Report"]
    worst = 3 * 2 + 2 + 10 + 2 + 2
    assert told[5] == f"the pipeline: at worst ${worst:.2f}"
    assert agreed(sections, capsys, max_cost=worst, yes=False)
    with pytest.raises(
        SagesegError, match=r"the pipeline: may cost \$22.00, more than --max-cost 21; lower max_runtime"
    ):
        agreed(sections, capsys, max_cost=21)


def test_what_may_have_run_before_aws_failed_may_be_paid_again(capsys: pytest.CaptureFixture[str]) -> None:
    sections = SECTIONS | {"process": {"instances": 3, "max_hours": 2}}
    sections["train"] = {**SECTIONS["train"], "max_runtime": 3600}
    worst = 3 * 2 + 2 + 10 + 2 + 2
    for again, times in ((Again(capacity=5, limit=5), 1), (Again(internal=2), 3)):
        experiment = read(sections, policies=Policies(again)).experiment
        agree_on_execution(experiment, "eu-west-1", max_cost=None, yes=True)
        told = capsys.readouterr().err
        assert f"the pipeline: at worst ${times * worst:.2f}\n" in told
        assert told.count(", 3 times at the most\n") == (5 if times == 3 else 0)
        with pytest.raises(SagesegError, match="lower max_runtime") as refused:
            agree_on_execution(experiment, "eu-west-1", max_cost=1, yes=True)
        assert ("the times of --again internal or raise" in str(refused.value)) == (times == 3)
        assert "--instance-type" not in str(refused.value)


def test_a_transform_has_no_limit_that_could_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    sections = SECTIONS | {"predict": {"via": "batch"}}
    assert agreed(sections, capsys).splitlines()[-1].endswith(", the transform beside it")
    with pytest.raises(SagesegError, match="Transform: a transform runs as long as it takes, so --max-cost 9"):
        agreed(sections, capsys, max_cost=9)


def test_where_a_price_is_unknown_no_limit_can_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    sections = SECTIONS | {"process": {"instance_type": "ml.m5.large"}}
    assert "the pipeline:" not in agreed(sections, capsys)
    with pytest.raises(
        SagesegError, match="the pipeline: the price of a step is unknown, .* cannot be kept"
    ) as refused:
        agreed(sections, capsys, max_cost=9)
    assert "--rate" not in str(refused.value)  # which a pipeline has not, as it has no --instance-type


def test_nobody_there_to_ask_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SagesegError, match="add --yes, or --max-cost USD"):
        agreed(SECTIONS, capsys, yes=False)

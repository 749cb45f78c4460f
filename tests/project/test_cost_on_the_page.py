"""What a training cost goes the whole path: from the job to predictions.json, the report and the comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sageseg.cli import app
from tests.support.aws_setup import ROLE, aws_client
from tests.support.emulator_setup import wait_for_end
from tests.support.page_reader import Page
from tests.support.serving_setup import Served, served_job

DEAR = 3600.0
"""Dollars per hour at which the emulator's jobs, of a second or two, cost dollars; `cars` is paid by the table."""


def price_list(_region: str, instance_type: str) -> list[str]:
    """What AWS's price list answers."""
    paid = {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": str(DEAR)}}}}}}
    return [
        json.dumps({"product": {"attributes": {"usagetype": f"USE1-{what}:{instance_type}"}}, "terms": paid})
        for what in ("Train", "Tsform")
    ]


def sageseg(*words: object) -> str:
    ran = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def scored(served: Served, job: str, folder: Path) -> Path:
    """The report of a job's predictions, which lie beside it."""
    predictions, out = folder / f"{job}-predictions", folder / f"{job}-report"
    sageseg("jobs", "predict", job, served.dataset.root, "--out", predictions, "--via", "batch", "--yes")
    sageseg("analysis", "report", predictions, "--dataset", served.dataset.root, "--out", out, "--workers", 1)
    return out


def test_the_jobs_cost_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served_job(tmp_path) as served:
        monkeypatch.setattr("jobs.cost.prices._ask", price_list)
        data = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", 1)
        sageseg(
            "jobs", "train", served.dataset.root, *data, "--name", "dear", "--yes", "--no-wait"
        )  # nobody follows it
        seconds = wait_for_end(aws_client("sagemaker", served.emulator_url), "dear")["BillableTimeInSeconds"]
        reports = [scored(served, job, tmp_path) for job in ("dear", "cars")]
        told = json.loads((tmp_path / "dear-predictions" / "predictions.json").read_text())
        assert told["cost_usd"] == seconds * DEAR / 3600 == seconds
        assert json.loads((reports[0] / "scores.json").read_text())["job"]["cost_usd"] == seconds
        assert f"Cost {seconds}.00 USD" in Page((reports[0] / "index.html").read_text()).words
        lines = sageseg("analysis", "compare", *reports, "--out", tmp_path / "both").splitlines()
        known = served.record.cost["actual_usd"]
        rows = [line.split() for line in lines[1:3]]
        assert [(row[0], row[-1]) for row in rows] == [("dear", f"{seconds}.00"), ("cars", f"{known:.2f}")]
        assert f"Cost {seconds}.00 USD {told_usd(known)}" in Page((tmp_path / "both" / "index.html").read_text()).words


def told_usd(usd: float) -> str:
    return "<0.01 USD" if usd < 0.005 else f"{usd:.2f} USD"

"""An experiment as a pipeline, rehearsed whole on this machine: failed at first, started again, left and followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.backends import make_client
from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from tests.support.emulator_setup import rehearse
from tests.support.pair_samples import make
from tests.support.typed_commands import Ran, typed

EXPERIMENT = """
prep: {pairs: [in/images, in/masks], labels: in/classes.txt, crop: none, val: 2, workers: 1}
process: {instances: 1}
train: {algorithm: unet, epochs: 1, base_size: 32, crop_size: 32, mini_batch_size: 1}
predict: {}
report: {draws: 20, overlays: 0, workers: 1}
gate: {least: mean_iou=0}
"""


@pytest.fixture
def here(tmp_path: Path, warm: Programs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an experiment, its images and masks, and an emulator in whose home its jobs are."""
    make(tmp_path / "cars" / "in", "images/{}.jpg", "masks/{}.png")
    (tmp_path / "cars" / "experiment.yaml").write_text(EXPERIMENT)
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    with running_server(tmp_path / "home", programs=warm):
        yield tmp_path


def pipeline(here: Path, *words: str) -> Ran:
    return typed(["jobs", "pipeline", "--backend", "local", "--cache", "30d", "cars/experiment.yaml", *words], here)


def test_a_pipeline_fails_goes_on_when_mended_is_left_and_followed_and_not_done_twice(here: Path) -> None:
    printed = json.loads(pipeline(here).stdout)
    assert pipeline(here, "--start", "--dry-run").stdout == pipeline(here).stdout
    sagemaker = make_client("sagemaker", "local", None)
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []

    dies = {"algorithm_error": "out of memory", "fail_at_line": 1}
    rehearse(here, {"processing_jobs": {"pipelines-*-Prepare-*": dies}})
    ran = pipeline(here, "--start")
    assert ran.returncode == 1
    assert re.search(r"the last lines of pipelines-\w+-Prepare-\w+:\n  \w", ran.stderr), ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert re.search(r"cars: the step Prepare failed \(.*out of memory.*\); mend that, and the same command", last)

    rehearse(here, {})
    left = pipeline(here, "--start", "--no-wait")
    assert (left.returncode, left.stdout) == (0, f"{left.stdout.strip()}\n"), left.stderr
    assert "cars goes on; the same command again follows it, sageseg jobs stop cars ends it" in left.stderr
    assert sagemaker.describe_pipeline(PipelineName="cars")["PipelineDefinition"] == json.dumps(printed, sort_keys=True)

    ran = pipeline(here, "--start")
    assert ran.returncode == 0, ran.stderr
    assert "note: an execution of cars is under way" in ran.stderr
    assert len(sagemaker.list_pipeline_executions(PipelineName="cars")["PipelineExecutionSummaries"]) == 2
    path = ["Prepare", "Dataset", "Train", "Predict", "Report", "Gate", "Register"]
    assert re.findall(r"^(\w+): Succeeded", ran.stderr, re.MULTILINE) == path
    report, package = ran.stdout.splitlines()
    execution = here / Path(report).parents[1]
    assert execution.name == left.stdout.strip().rpartition("/")[2]
    assert json.loads((execution / "gate" / "gate.json").read_text())["passed"] is True
    found = sagemaker.describe_model_package(ModelPackageName=package)
    assert (found["ModelPackageGroupName"], found["ModelApprovalStatus"]) == ("cars", "PendingManualApproval")
    metrics = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    assert metrics == (execution / "report" / "scores.json").as_uri()
    told = json.loads((execution / "report" / "scores.json").read_text())
    assert told["intervals"]["groups"] == 2

    shown = typed(["jobs", "show", "cars"], here)
    assert re.search(r"^status +Completed$", shown.stdout, re.MULTILINE), shown.stderr
    assert re.search(r"^Gate +Succeeded \(True\)", shown.stdout, re.MULTILINE)

    again = pipeline(here, "--start")
    assert again.returncode == 0, again.stderr
    kept = re.findall(rf"^(\w+): Succeeded \(already in execution {execution.name}\)$", again.stderr, re.MULTILINE)
    assert kept == path[:5]
    assert again.stdout.splitlines() == [report, package.replace("/1", "/2")]
    assert typed(["jobs", "stop", "cars"], here).stderr == "cars: Completed already, so there is nothing to stop\n"

"""The notebooks run from top to bottom, and hold no output in git."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.emulator.server import running_server
from sageseg.notebook import answer, sageseg
from tests.support.aws_setup import aws_client, moto_server, use_aws
from tests.support.emulator_setup import programs, wait_until
from tests.support.serving_setup import SERVES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ON_AWS = ROOT / "notebooks" / "aws.ipynb"
TRAINS = """
(root / "model" / "weights").write_text("trained")
print("LRScheduler setup: iters per epoch: 4, num_epochs 1")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.5 .")
print("#throughput_metric. host: algo-1, epoch: 0, train throughput: 51.5 samples/sec.")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.75 .")
"""


def run_notebook(notebook: Path, folder: Path) -> None:
    """By nbmake, in a pytest of its own, with short settings and without this project's pytest options. The kernel
    runs the commands itself."""
    words = ["-m", "pytest", "-c", os.devnull, "-n", "0", "-p", "no:cacheprovider", "--nbmake", str(notebook)]
    startup = str(ROOT / "tests" / "support" / "notebook_startup.py")
    settings = {"SAGESEG_NOTEBOOK": "short", "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "PYTHONSTARTUP": startup}
    ran = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=folder, env=os.environ | settings, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


@pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path != ON_AWS], ids=lambda path: path.stem)
def test_the_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    run_notebook(notebook, tmp_path)


def test_the_notebook_on_aws_runs_twice_in_one_account_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto is S3, STS and Scheduler; the emulator is SageMaker, with small programs as containers. The second time
    it has no ml.g5.2xlarge, and does not tell so."""
    with moto_server() as url:
        aws_client("s3", url).create_bucket(Bucket="notebook")
        stand_ins = programs(tmp_path / "programs", TRAINS, SERVES)
        with running_server(tmp_path, programs=stand_ins, make_s3=lambda: aws_client("s3", url)) as emulator:
            places = dict.fromkeys(("sagemaker", "sagemaker_runtime", "cloudwatch_logs"), emulator.url)
            use_aws(monkeypatch, url, **places)
            monkeypatch.setenv("SAGESEG_BUCKET", "notebook")
            monkeypatch.setenv("SAGESEG_ROLE", "arn:aws:iam::123456789012:role/sageseg")
            monkeypatch.setenv("SAGESEG_SCHEDULER_ROLE", "arn:aws:iam::123456789012:role/sageseg-lease")
            run_notebook(ON_AWS, tmp_path)
            quotas = {"ml.g5.2xlarge for training job usage": 0}
            rehearsal = {"quotas": quotas, "calls": {"ListServiceQuotas": 9}}
            (tmp_path / "rehearsal.yaml").write_text(json.dumps(rehearsal))
            run_notebook(ON_AWS, tmp_path)
            sagemaker = aws_client("sagemaker", emulator.url)
            second, first = sagemaker.list_training_jobs()["TrainingJobSummaries"]
            assert {first["TrainingJobStatus"], second["TrainingJobStatus"]} == {"Completed"}
            assert second["TrainingJobName"].endswith("-2")
            assert sagemaker.list_models()["Models"] == []
            assert aws_client("scheduler", url).list_schedules()["Schedules"] == []
            wait_until(lambda: not sagemaker.list_endpoints()["Endpoints"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert [cell["source"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert cells[:1], "an empty notebook is no page"
    assert cells[0]["source"][0].startswith("# "), "its first line is its title"


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


def test_a_line_in_a_notebook_shows_what_it_says_and_fails_as_it_should(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = subprocess.CompletedProcess([], 0, "result\n", "reading: 1 of 2\nnote: told\n")
    monkeypatch.setattr(subprocess, "run", lambda *_words, **_how: ran)
    sageseg("prep check dataset")
    assert capsys.readouterr().out == "note: told\nresult\n"
    assert answer("prep check dataset") == "result\n"
    assert capsys.readouterr().out == ""
    with pytest.raises(RuntimeError, match="prep check dataset: exit code 0"):
        sageseg("prep check dataset", refused=True)
    ran.returncode = 1
    with pytest.raises(RuntimeError, match=r"exit code 1\nresult\nnote: told"):
        sageseg("prep check dataset")
    sageseg("prep check dataset", refused=True)

"""The notebooks run from top to bottom, and hold no output in git."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from aws_setup import aws_client, moto_server, use_aws

from jobs.emulator.server import running_server

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ON_AWS = ROOT / "notebooks" / "aws.ipynb"


def run_notebook(notebook: Path, folder: Path) -> None:
    """By nbmake, in a pytest of its own, with short settings and without this project's pytest options."""
    words = ["-m", "pytest", "-c", os.devnull, "-n", "0", "-p", "no:cacheprovider", "--nbmake", str(notebook)]
    ran = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"SAGESEG_NOTEBOOK": "short", "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


@pytest.mark.parametrize("notebook", [path for path in NOTEBOOKS if path != ON_AWS], ids=lambda path: path.stem)
def test_the_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    run_notebook(notebook, tmp_path)


def test_the_notebook_on_aws_runs_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto is S3, STS and Scheduler; the emulator is SageMaker, and trains with the open implementation."""
    with moto_server() as url:
        s3 = aws_client("s3", url)
        s3.create_bucket(Bucket="notebook")
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        with running_server(tmp_path / "sagemaker", make_s3=lambda: session.client("s3", endpoint_url=url)) as emulator:
            places = dict.fromkeys(("sagemaker", "sagemaker_runtime", "cloudwatch_logs"), emulator.url)
            use_aws(monkeypatch, url, **places)
            monkeypatch.setenv("SAGESEG_BUCKET", "notebook")
            monkeypatch.setenv("SAGESEG_ROLE", "arn:aws:iam::123456789012:role/sageseg")
            run_notebook(ON_AWS, tmp_path)
            sagemaker = aws_client("sagemaker", emulator.url)
            (trained,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
            assert (trained["TrainingJobName"], trained["TrainingJobStatus"]) == ("cars", "Completed")
            assert sagemaker.list_models()["Models"] == []
            left = [endpoint["EndpointStatus"] for endpoint in sagemaker.list_endpoints()["Endpoints"]]
            assert left in ([], ["Deleting"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert [cell["source"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS

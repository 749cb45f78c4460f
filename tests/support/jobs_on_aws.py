"""Trainings and tunings as on AWS: moto is S3 and STS, an emulator is SageMaker and its logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from formats.dataset import Dataset
from jobs.cli import app
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_setup import ROLE, no_price_list, use_aws
from tests.support.emulator_setup import emulator

TRAINS = """
(root / "model" / "weights").write_text("trained")
print("LRScheduler setup: iters per epoch: 2, num_epochs 2")
for epoch, score in enumerate(["0.5", "0.75"]):
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: 0.25 .")
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, validation pixel_accuracy: 0.9 .")
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, validation mIOU: {score} .")
"""
SCORES = """
import json
given = json.loads((root / "input/config/hyperparameters.json").read_text())
(root / "model" / "weights").write_text("trained")
score = 1 - abs(float(given["learning_rate"]) - 0.01)
print("LRScheduler setup: iters per epoch: 2, num_epochs 1")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.25 .")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print(f"#quality_metric. host: algo-1, epoch: 0, validation mIOU: {score} .")
"""
"""A training that is the better, the nearer its learning rate is to 0.01."""
FAILS = """
print("nearly there")
(root / "output").mkdir(exist_ok=True)
(root / "output" / "failure").write_text("CUDA out of memory")
sys.exit(1)
"""
RANGE = ("--range", "learning_rate=1e-3:1e-1")


@contextmanager
def sagemaker_running(folder: Path, moto: str, patch: pytest.MonkeyPatch, source: str) -> Iterator[str]:
    """An emulator in SageMaker's place, whose jobs run this source."""
    use_aws(patch, moto)
    patch.setitem(POLL_SECONDS, "aws", 0.02)
    patch.setattr("jobs.cost.prices._ask", no_price_list)
    with emulator(folder / "sagemaker", source, grace_seconds=0) as (_, _, server):
        use_aws(patch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        yield server.url


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def train(dataset: Dataset, *words: str, name: str = "cars", prefix: str = "one") -> Result:
    common = ("--data", f"s3://cars/{prefix}", "--role", ROLE, "--name", name, "--mini-batch-size", "1")
    return run("train", str(dataset.root), *common, *words)


def tune_words(dataset: Dataset, name: str, prefix: str = "one", jobs: int = 3, parallel: int = 2) -> list[str]:
    common = ["--data", f"s3://cars/{prefix}", "--role", ROLE, "--name", name, "--mini-batch-size", "1"]
    search = [*RANGE, "--max-jobs", str(jobs), "--parallel", str(parallel), "--strategy", "random", "--seed", "1"]
    return ["tune", str(dataset.root), *common, *search]


def tune(dataset: Dataset, *words: str, name: str = "cars", **how: Any) -> Result:
    return run(*tune_words(dataset, name, **how), *words)

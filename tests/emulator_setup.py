"""What the emulator's tests share: unmodified boto3 clients, small container programs, waiting."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from jobs.emulator.container import Command
from jobs.emulator.server import Server, running_server
from jobs.registry import OPEN_IMAGE
from jobs.training_request import CONTENT_TYPES, TrainingJob, training_request

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
HYPERPARAMETERS = {"num_classes": "2", "num_training_samples": "4"}

GOOD = """
(root / "model" / "weights").write_text("trained")
for epoch, loss in enumerate([0.5, 0.25]):
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: {loss} .")
"""
SLEEPS = """
import time
print("waiting")
time.sleep(60)
"""


@contextmanager
def client(service: str, url: str) -> Iterator[Any]:
    """A boto3 client of the emulator with credentials of its own, that never tries twice."""
    made = boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    try:
        yield made
    finally:
        made.close()


def program(folder: Path, source: str) -> Command:
    """A container program: Python source in which `root` stands for /opt/ml."""
    script = folder / "program.py"
    script.write_text(f"import sys\nfrom pathlib import Path\nroot = Path(sys.argv[1])\n{source}")
    return lambda root: [sys.executable, "-I", "-u", str(script), str(root)]


@contextmanager
def emulator(folder: Path, source: str = GOOD, grace_seconds: float = 30) -> Iterator[tuple[Any, Any, Server]]:
    """A server of `folder/home` whose jobs run this source; its SageMaker and logs clients."""
    with (
        running_server(folder / "home", command=program(folder, source), grace_seconds=grace_seconds) as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        yield sagemaker, logs, server


def request(folder: Path, name: str = "job", **changes: Any) -> dict[str, Any]:
    """A request that the emulator accepts, over empty channels in `folder/data`."""
    for channel in CONTENT_TYPES:
        (folder / "data" / channel).mkdir(parents=True, exist_ok=True)
    job = TrainingJob(
        name=name,
        image=OPEN_IMAGE,
        role=ROLE,
        data_uri=(folder / "data").as_uri(),
        output_uri=(folder / "out").as_uri(),
        instance_type="ml.m5.large",
        volume_gb=10,
        max_runtime_seconds=600,
        hyperparameters=HYPERPARAMETERS,
        tags={"project": "sageseg", "größe": "klein"},
    )
    return training_request(job) | changes


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return when the condition holds; fail the test when it does not come to that."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not happen")
        pause.wait(0.01)


def wait_for_end(sagemaker: Any, name: str = "job") -> dict[str, Any]:
    """The description of a job once it has ended."""
    wait_until(lambda: sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in ENDED)
    description: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    return description


def messages(logs: Any, name: str = "job") -> list[str]:
    """All log lines of a job, from the head."""
    streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=streams[0]["logStreamName"], startFromHead=True)[
        "events"
    ]
    return [event["message"] for event in events]


def wait_for_line(logs: Any, line: str, name: str = "job") -> None:
    """Return when a job has logged this line."""

    def is_logged() -> bool:
        try:
            return line in messages(logs, name)
        except (logs.exceptions.ResourceNotFoundException, IndexError):
            return False

    wait_until(is_logged)

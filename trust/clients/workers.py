"""What the clients do, each for itself, until the watch ends: train, look, predict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jobs.contract.statuses import ENDED
from tests.support.emulator_setup import client, request
from trust.clients.watch import Watch, expect

POLL_SECONDS = 0.2
"""How often a client asks, as `--backend local` does."""


def workers(count: int, url: str, folder: Path, watch: Watch) -> list[Callable[[], None]]:
    """Four clients train, half of the others look, half predict."""
    kinds = [_train, _train, _train, _train, *([_look, _predict] * count)][:count]
    return [partial(work, url, folder, watch, number) for number, work in enumerate(kinds)]


def _look(url: str, _folder: Path, watch: Watch, _number: int) -> None:
    with client("sagemaker", url) as sagemaker:
        while not watch.ended.wait(POLL_SECONDS):
            with watch.trying("describe"):
                status = _told(sagemaker.describe_endpoint(EndpointName="endpoint"), "EndpointStatus")
                expect(status == "InService", f"the endpoint is {status}")
            with watch.trying("list"):
                sagemaker.list_training_jobs(MaxResults=5)


def _predict(url: str, _folder: Path, watch: Watch, number: int) -> None:
    count = 0
    with client("sagemaker-runtime", url) as runtime:
        while not watch.ended.wait(POLL_SECONDS):
            count += 1
            body = f"{number} {count} ".encode() * 2000
            with watch.trying("invoke"):
                answer = runtime.invoke_endpoint(EndpointName="endpoint", Body=body)["Body"].read()
                expect(answer == body[::-1], f"an answer to another question than {body[:20]!r}")


def _train(url: str, folder: Path, watch: Watch, number: int) -> None:
    """Each job that was accepted is there until it is deleted, and ends Completed."""
    count = 0
    with client("sagemaker", url) as sagemaker:
        while not watch.ended.wait(4 * POLL_SECONDS):
            count += 1
            name = f"job-{number}-{time.monotonic_ns()}"
            with watch.trying("train"):
                sagemaker.create_training_job(**request(folder, name))
                while (status := _job_status(sagemaker, name)) not in ENDED:
                    time.sleep(POLL_SECONDS)
                expect(status == "Completed", f"{name} is {status}")
                sagemaker.delete_training_job(TrainingJobName=name)


def _job_status(sagemaker: Any, name: str) -> str:
    return _told(sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")


def _told(answer: Mapping[str, Any], name: str) -> str:
    expect(name in answer, f"an answer without {name}")
    return str(answer[name])

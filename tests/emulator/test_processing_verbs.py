"""The project's own command as a processing job's container."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.contract.registry import OPEN_IMAGE
from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from sageseg.cli import app
from tests.support.emulator_setup import client
from tests.support.pair_samples import make
from tests.support.processing_setup import log_of, process

WORDS = [
    "prep",
    "pairs",
    "{}/images",
    "{}/masks",
    "--labels",
    "{}/classes.txt",
    "--val",
    "0",
    "--crop",
    "none",
    "--workers",
    "1",
]


def words(place: str) -> list[str]:
    return [word.format(place) for word in WORDS]


def made(dataset: Path) -> dict[str, bytes]:
    """A dataset's files beside the one that records its command."""
    files = {path.relative_to(dataset).as_posix(): path for path in dataset.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != "dataset.json"}


def test_a_dataset_is_prepared_as_here(tmp_path: Path, warm: Programs) -> None:
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    with pytest.raises(SystemExit) as ended:
        app([*words(str(tmp_path / "in")), "--out", str(tmp_path / "here")])
    arguments = [*words("/opt/ml/processing/in"), "--out", "/opt/ml/processing/out/there"]
    application = {"ImageUri": OPEN_IMAGE, "ContainerArguments": arguments}
    with (
        running_server(tmp_path / "home", programs=warm) as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        described = process(sagemaker, tmp_path, AppSpecification=application)
        lines = log_of(logs)
    assert (ended.value.code, described["ProcessingJobStatus"]) == (0, "Completed"), lines
    assert made(tmp_path / "out" / "there") == made(tmp_path / "here")


def test_a_refusal_is_in_the_log(tmp_path: Path) -> None:
    """Of a container that begins as those of users do, in a process of its own."""
    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    arguments = [
        "prep",
        "pairs",
        "/opt/ml/processing/in/gone",
        "/opt/ml/processing/in/masks",
        "--out",
        "/opt/ml/processing/out",
    ]
    application = {"ImageUri": OPEN_IMAGE, "ContainerArguments": arguments}
    with (
        running_server(tmp_path / "home") as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        described = process(sagemaker, tmp_path, AppSpecification=application)
        lines = log_of(logs)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert lines[-1].startswith("error: ")
    assert "processing/in/gone" in lines[-1]

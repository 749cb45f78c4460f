"""What is tried: each verb that creates or deletes what is paid for, as a command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from sageseg.cli import app
from tests.support.aws_setup import ROLE
from tests.support.emulator_setup import SLEEPS
from tests.support.processing_setup import MAKES_SHARDS
from tests.support.serving_setup import NAME, SCHEDULER_ROLE, Served

_TRAIN = ("--data", "s3://cars/one", "--role", ROLE, "--mini-batch-size", "1", "--yes")


@dataclass(frozen=True)
class Verb:
    """A command line. `words` are made for the folder of a try; `before` prepares it. `leaves` says whether what it
    made is to be there in the end; `process` is the program of processing jobs."""

    what: str
    words: Callable[[Served, Path], list[str]]
    before: Callable[[Served, Path], None] = lambda _served, _folder: None
    leaves: bool = True
    process: str = MAKES_SHARDS


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def _deployed(_served: Served, _folder: Path) -> None:
    run("jobs", "deploy", NAME, "--yes")


def _queued(_served: Served, _folder: Path) -> None:
    run("jobs", "deploy", NAME, "--yes", "--async")


def _experiment(served: Served, folder: Path, begins: str = "train: {") -> list[str]:
    file = folder / "experiment.yaml"
    if not file.exists():
        shutil.copytree(served.dataset.root, folder / "dataset")
        file.write_text(f"{begins}data: s3://cars/one, role: '{ROLE}', mini_batch_size: 1, 'yes': true}}\n")
    return ["run", str(file)]


def _train(served: Served, *words: str) -> list[str]:
    return ["jobs", "train", str(served.dataset.root), *_TRAIN, *words]


def _predict(served: Served, folder: Path, *words: str) -> list[str]:
    place = [str(served.dataset.root), "--out", str(folder / "predictions"), "--overwrite"]
    return ["jobs", "predict", NAME, *place, *words]


def _process(_served: Served, folder: Path) -> list[str]:
    """Over what the trained job has in S3; a host's stand-in does not look at it."""
    words = ["--role", ROLE, "--image", _IMAGE, "--yes", "report", "s3://cars/one", "--dataset", "s3://cars/one"]
    return ["jobs", "process", *words, "--out", f"s3://cars/shards/{folder.name}"]


def _pipeline(_served: Served, folder: Path) -> list[str]:
    """Of an experiment over what the trained job has in S3."""
    file = folder / "experiment.yaml"
    file.write_text("prep: {pairs: ['s3://cars/one', 's3://cars/one']}\ntrain: {epochs: 1}\npredict: {}\nreport: {}\n")
    words = ["--role", ROLE, "--image", _IMAGE, "--out", "s3://cars/out", "--name", "cars", "--yes"]
    return ["jobs", "pipeline", *words, "--start", "--no-wait", str(file)]


_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
_LADDER = ("--name", "ladder", "--spot", "--instance-type", "ml.g5.2xlarge,ml.g4dn.2xlarge")
_TUNE = ("--range", "learning_rate=1e-3:1e-1", "--max-jobs", "1", "--parallel", "1", "--strategy", "random")
_SEARCH = "tune: {max_jobs: 1, strategy: random, range: [learning_rate=1e-3:1e-1], "
_LEASE = ("--ttl", "2h", "--scheduler-role", SCHEDULER_ROLE)
VERBS = (
    Verb("train", lambda served, _: _train(served)),
    Verb("train on one type after the other", lambda served, _: _train(served, *_LADDER)),
    Verb("tune", lambda served, _: ["jobs", "tune", str(served.dataset.root), *_TRAIN, *_TUNE]),
    Verb("process by a processing job", _process),
    Verb("execution of a pipeline", _pipeline, process=SLEEPS),
    Verb("run", _experiment),
    Verb("run of a tuning", lambda served, folder: _experiment(served, folder, _SEARCH)),
    Verb("deploy", lambda _served, _: ["jobs", "deploy", NAME, "--yes"]),
    Verb("deploy with a lease", lambda _served, _: ["jobs", "deploy", NAME, "--yes", *_LEASE]),
    Verb("register", lambda _served, _: ["jobs", "register", NAME, "--group", "fleet"], leaves=False),
    Verb("deploy an asynchronous endpoint", lambda _served, _: ["jobs", "deploy", NAME, "--yes", "--async"]),
    Verb("predict by batch", lambda served, folder: _predict(served, folder, "--via", "batch", "--yes"), leaves=False),
    Verb("predict by endpoint", lambda served, folder: _predict(served, folder, "--via", "endpoint"), _deployed),
    Verb(
        "predict by a queue",
        lambda served, folder: _predict(served, folder, "--via", "endpoint", "--parallel", "1"),
        _queued,
    ),
    Verb("delete", lambda _served, _: ["jobs", "delete", NAME], _deployed, leaves=False),
    Verb("delete what sleeps", lambda _served, _: ["jobs", "delete", NAME], _queued, leaves=False),
    Verb(
        "leftovers --delete",
        lambda _served, _: ["jobs", "leftovers", "--delete", "--all", "--yes"],
        _deployed,
        leaves=False,
    ),
)

"""The container's entry: `python -m jobs.algorithm train|serve [--root /opt/ml]`."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from formats.errors import SagesegError
from formats.staging import write_text
from jobs.algorithm.processor import prepare_processor


def main(arguments: list[str] | None = None) -> int:
    """Run a training, or serve a model, over an `/opt/ml` tree; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.algorithm", description=__doc__)
    parser.add_argument("command", choices=("train", "serve"))
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="the container's tree (default /opt/ml)")
    given = parser.parse_args(arguments)
    _log_to_stdout()
    try:
        if given.command == "serve":
            serve(given.root)
        else:
            with _stopped_by_sigterm() as stop:
                train(given.root, stop)
    except SagesegError as e:
        return _fail(given.root, " ".join(str(e).split()))
    return 0


def serve(root: Path) -> None:
    """Answer requests with the model in `model`, until SIGTERM."""
    prepare_processor()
    from jobs.algorithm.serving import serve_model

    serve_model(root / "model")


def train(root: Path, stop: threading.Event) -> None:
    """Train as `input/config/hyperparameters.json` says, over `input/data`, into `model`, until the
    end or `stop`."""
    prepare_processor()
    from jobs.algorithm.channels import check_channels
    from jobs.algorithm.team import membership
    from jobs.algorithm.training import Places, as_strings, run_training, start_training
    from jobs.hyperparameters import parse_hyperparameters

    data, model, checkpoints = root / "input/data", root / "model", root / "checkpoints"
    given = _read_hyperparameters(root / "input/config/hyperparameters.json")
    settings = parse_hyperparameters(given, "open")
    logging.getLogger(__name__).info("Final configuration: %s", as_strings(settings))
    check_channels(data)
    model.mkdir(parents=True, exist_ok=True)
    places = Places(model, checkpoints if checkpoints.is_dir() else None)
    with membership() as team:
        run_training(start_training(data, settings, places, stop, team))


@contextmanager
def _stopped_by_sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, which SageMaker sends to a job that is to stop."""
    stop = threading.Event()
    earlier = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _read_hyperparameters(path: Path) -> dict[str, str]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); expected the job's hyperparameters") from e
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SagesegError(f"{path}: expected an object of strings, as a training request holds it")
    return given


def _log_to_stdout() -> None:
    """The built-in container's line prefix; every line leaves at once."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter("[%(asctime)s %(levelname)s %(thread)d] %(message)s", datefmt="%m/%d/%Y %H:%M:%S")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def _fail(root: Path, reason: str) -> int:
    """Leave the reason where SageMaker takes a job's FailureReason from."""
    logging.getLogger(__name__).error(reason)
    output = root / "output"
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / "failure", reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())

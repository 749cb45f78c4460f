"""The container's entry: `python -m jobs.algorithm train|serve [--root /opt/ml]`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import jobs.algorithm.machine.program_start  # noqa: F401 (the start is counted from here)
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.texts.json_text import parse_json
from jobs.algorithm.machine.memory_errors import is_out_of_memory
from jobs.algorithm.machine.torch_loading import load_torch
from jobs.algorithm.training.members import end_member, own_rank, run_members

if TYPE_CHECKING:
    from jobs.contract.hyperparameters import Hyperparameters


def main(arguments: list[str] | None = None) -> int:
    """Run a training, or serve a model, over an `/opt/ml` tree; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.algorithm", description=__doc__)
    parser.add_argument("command", choices=("train", "serve"))
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="the container's tree (default /opt/ml)")
    parser.add_argument("--data", type=Path, help="the channels, where they are not in ROOT/input/data")
    given = parser.parse_args(arguments)
    _log_to_stdout()
    try:
        if given.command == "serve":
            serve(given.root)
        else:
            with _stopped_by_sigterm() as stop:
                return train(given.root, stop, given.data)
    except SagesegError as e:
        return _fail(given.root, " ".join(str(e).split()))
    except Exception as e:
        logging.getLogger(__name__).exception("ended by an error that was not foreseen")
        return _fail(given.root, _reason(e))
    return 0


def serve(root: Path) -> None:
    """Answer requests with the model in `model`, until SIGTERM."""
    from jobs.algorithm.serving.http_server import serve_model

    serve_model(root / "model")


def train(root: Path, stop: threading.Event, data: Path | None = None) -> int:
    """Train as `input/config/hyperparameters.json` says, over `input/data`, into `model`, until the
    end or `stop`; returns the exit code. `data` are the channels where they lie elsewhere."""
    load_torch("training")
    import torch

    from jobs.algorithm.data.streamed_channels import channel_files
    from jobs.algorithm.machine.paid_machine import check_machine
    from jobs.algorithm.training.team import team_size
    from jobs.contract.hyperparameters import parse_hyperparameters, without_the_services

    check_machine(root / "input/config/resourceconfig.json", torch.cuda.device_count())
    given = read_hyperparameters(root / "input/config/hyperparameters.json")
    settings = parse_hyperparameters(without_the_services(given), "open")
    if data is not None:
        return _train_here(root, settings, data, stop)
    with channel_files(root / "input") as channels:
        members = team_size(settings) if own_rank() is None else 1
        if members == 1:
            return _train_here(root, settings, channels, stop)
        return _train_as_team(root, channels, members, stop)


def _train_here(root: Path, settings: Hyperparameters, data: Path, stop: threading.Event) -> int:
    from jobs.algorithm.data.channels import check_channels
    from jobs.algorithm.training.loop import Places, as_strings, run_training, start_training
    from jobs.algorithm.training.team import membership

    log = logging.getLogger(__name__)
    log.info("Final configuration: %s", as_strings(settings))
    check_channels(data)
    checkpoints, model = root / "checkpoints", root / "model"
    model.mkdir(parents=True, exist_ok=True)
    places = Places(model, checkpoints if checkpoints.is_dir() else None)
    with membership() as team:
        run_training(start_training(data, settings, places, stop, team))
    return 0


def _train_as_team(root: Path, data: Path, members: int, stop: threading.Event) -> int:
    arguments = ("train", "--root", str(root), "--data", str(data))
    failure_path(root).unlink(missing_ok=True)  # an earlier run's would be taken for this one's
    return 0 if run_members(arguments, members, stop, failure_path(root)) else 1


@contextmanager
def _stopped_by_sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, which SageMaker sends to a job that is to stop. A member of a team
    takes it until its end: it must not die of it when its work is done."""
    stop = threading.Event()
    earlier = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # who started this process may have held it back
    try:
        yield stop
    finally:
        if own_rank() is None:
            signal.signal(signal.SIGTERM, earlier)


def read_hyperparameters(path: Path) -> dict[str, str]:
    try:
        given = parse_json(path.read_bytes())
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); expected the job's hyperparameters") from e
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SagesegError(f"{path}: expected an object of strings, as a training request holds it")
    return given


def _log_to_stdout() -> None:
    """The built-in container's line prefix; every line leaves at once. Of a team only the first
    member speaks, unless it fails."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter("[%(asctime)s %(levelname)s %(thread)d] %(message)s", datefmt="%m/%d/%Y %H:%M:%S")
    )
    level = logging.ERROR if own_rank() else logging.INFO
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _reason(error: Exception) -> str:
    """An error as one line; what torch adds to it stands in the log."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if is_out_of_memory(error):
        return f"{reason}; lower mini_batch_size or crop_size, or use an instance with more memory"
    return reason


def _fail(root: Path, reason: str) -> int:
    """Leave the reason where SageMaker takes a job's FailureReason from. Of a team the first one's
    counts: the others fail because it has gone."""
    logging.getLogger(__name__).error(reason)
    path = failure_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    if own_rank() is None:
        write_text(path, reason)
        return 1
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        file.write(reason)
    return 1


def failure_path(root: Path) -> Path:
    return root / "output/failure"


if __name__ == "__main__":
    code = main()
    if own_rank() is not None:
        end_member(code)
    sys.exit(code)

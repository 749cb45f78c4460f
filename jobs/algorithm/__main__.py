"""The container's entry: `python -m jobs.algorithm train [--root /opt/ml]`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from formats.errors import SagesegError
from formats.staging import write_text
from jobs.algorithm.processor import prepare_processor

CHANNELS = ("train", "train_annotation", "validation", "validation_annotation")
LATER_CHANNELS = ("model", "label_map")


def main(arguments: list[str] | None = None) -> int:
    """Run a training over an `/opt/ml` tree; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m jobs.algorithm", description=__doc__)
    parser.add_argument("command", choices=("train",))
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="the container's tree (default /opt/ml)")
    root: Path = parser.parse_args(arguments).root
    _log_to_stdout()
    try:
        train(root)
    except SagesegError as e:
        return _fail(root, " ".join(str(e).split()))
    return 0


def train(root: Path) -> None:
    """Train as `input/config/hyperparameters.json` says, over `input/data`, into `model`."""
    prepare_processor()
    from jobs.algorithm.training import as_strings, run_training, start_training
    from jobs.hyperparameters import parse_hyperparameters

    data, model = root / "input/data", root / "model"
    given = _read_hyperparameters(root / "input/config/hyperparameters.json")
    settings = parse_hyperparameters(given, "open")
    logging.getLogger(__name__).info("Final configuration: %s", as_strings(settings))
    _check_channels(data)
    model.mkdir(parents=True, exist_ok=True)
    run_training(start_training(data, settings), model)


def _read_hyperparameters(path: Path) -> dict[str, str]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); expected the job's hyperparameters") from e
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SagesegError(f"{path}: expected an object of strings, as a training request holds it")
    return given


def _check_channels(data: Path) -> None:
    """Channels that would change the training may not be passed over."""
    for folder in sorted(path for path in data.glob("*") if path.is_dir() and path.name not in CHANNELS):
        problem = "not in the open implementation yet" if folder.name in LATER_CHANNELS else "not known"
        raise SagesegError(f"channel {folder.name}: {problem}; expected {', '.join(CHANNELS)}")
    missing = [name for name in CHANNELS if not (data / name).is_dir()]
    if missing:
        raise SagesegError(f"{data / missing[0]}: not found; expected channels {', '.join(CHANNELS)}")


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

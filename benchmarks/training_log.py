"""What the training program itself logs: images/s of each epoch, when its first step was done, its memory on a GPU."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from earlier_build import environment_of

from jobs.contract.log_lines import EpochMetrics, epoch_metrics

VALIDATED_ON = 16
"""Images: a batch, which costs next to nothing."""
_FIRST_STEP = re.compile(r"first step \S+ s after the start")
_STEPS_DONE = re.compile(r"#progress_notice|train loss:")
"""In lines that an earlier build writes first: after twenty steps, or an epoch of fewer."""
_MEMORY = re.compile(r"memory (\d+) (\d+)$")
_PROGRAM = """
import sys
from jobs.algorithm.__main__ import main
code = main(["train", "--root", sys.argv[1]])
torch = sys.modules["torch"]
if torch.cuda.is_available():
    print("memory", torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved(), flush=True)
sys.exit(code)
"""


@dataclass
class Log:
    """`first_step` are the seconds from the start of the process until its first step was done, or
    where the program does not tell of it (`bound`) its first twenty. Memory is in bytes, of tensors and
    of all that torch took; None without a GPU."""

    epochs: list[EpochMetrics] = field(default_factory=list)
    first_step: float | None = None
    bound: bool = False
    allocated: int | None = None
    reserved: int | None = None

    @property
    def first_speed(self) -> float:
        """Images/s of the first epoch."""
        return self.epochs[0].train_throughput or 0.0

    @property
    def speed(self) -> float:
        """Images/s of the epochs after the first, the middle one's."""
        return median(epoch.train_throughput or 0.0 for epoch in self.epochs[1:])


def write_tree(root: Path, pairs: Path, images: int, given: Mapping[str, str]) -> None:
    """An `/opt/ml` tree of so many images: links to those in `pairs`, again and again, each of which the
    program reads as an image of its own."""
    config = root / "input/config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps({**given, "num_training_samples": str(images)}))
    for channel, count in (("train", images), ("validation", VALIDATED_ON)):
        for folder in ("", "_annotation"):
            place = root / f"input/data/{channel}{folder}"
            place.mkdir(parents=True)
            found = sorted((pairs / f"train{folder}").resolve().iterdir())
            for number in range(count):
                file = found[number % len(found)]
                (place / f"{number:05}{file.suffix}").symlink_to(file)


def run_training(build: Path, root: Path) -> Log:
    """Run a build's training program over a tree, to its end."""
    log, lines, started = Log(), [], time.perf_counter()
    command = [sys.executable, "-c", _PROGRAM, str(root)]
    with subprocess.Popen(
        command, cwd=build, env=environment_of(build), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as running:
        for line in _lines_of(running):
            lines.append(line)
            if log.first_step is None and (_FIRST_STEP.search(line) or _STEPS_DONE.search(line)):
                log.first_step, log.bound = time.perf_counter() - started, not _FIRST_STEP.search(line)
            if found := _MEMORY.search(line):
                log.allocated, log.reserved = int(found[1]), int(found[2])
    if running.returncode:
        sys.exit("\n".join([*lines[-20:], f"{build}: the training program ended with exit code {running.returncode}"]))
    log.epochs = epoch_metrics(lines)
    return log


def _lines_of(running: subprocess.Popen[str]) -> Iterator[str]:
    if running.stdout is not None:
        yield from (line.rstrip() for line in running.stdout)

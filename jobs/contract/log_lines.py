"""The algorithm's log lines, what the open implementation writes and what every reader parses, and the
groups of CloudWatch's in which they lie.

The wording is the built-in container's, taken from real logs of 2020 and 2025; the regexes are
those that the service registers for the algorithm's metrics. Whoever trains writes what they like into a log: a line
that is not of the form says nothing, and none raises.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SERVICE = "/aws/sagemaker"
"""Under which SageMaker's log groups and the namespaces of its metrics lie."""
TRAINING_LOGS, TRANSFORM_LOGS = f"{SERVICE}/TrainingJobs", f"{SERVICE}/TransformJobs"
PROCESSING_LOGS = f"{SERVICE}/ProcessingJobs"
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
METRIC_DEFINITIONS = {
    "train:loss": r"train loss: (\S+)",
    "train:throughput": r"train throughput: (\S+)",
    "validation:mIOU": r"validation mIOU: (\S+)",
    "validation:pixel_accuracy": r"pixel_accuracy: (\S+)",
    "validation:throughput": r"validation throughput: (\S+)",
}
_EPOCH = re.compile(r"#(?:quality|throughput)_metric\. host: \S+, epoch: ([0-9]{1,9}),")
_SCHEDULE = re.compile(r"iters per epoch: ([0-9]{1,9}), num_epochs ([0-9]{1,9})(?![0-9])")
_PROGRESS = re.compile(r"#progress_notice\. epoch: ([0-9]{1,9}), iterations: ([0-9]{1,9}) speed: (\S+) samples/sec")
_DEVICE = re.compile(r"INFO \d+\] training on (.+)")
_STAMP = re.compile(r"\[(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) [A-Z]+ ")


def endpoint_logs(name: str) -> str:
    """The log group of an endpoint; jobs share the group of their kind."""
    return f"{SERVICE}/Endpoints/{name}"


def as_wanted(line: str) -> str:
    """A line of a log for a person: the built-in's has colours, which NO_COLOR takes away."""
    return ANSI.sub("", line) if os.environ.get("NO_COLOR") else line


@dataclass(frozen=True)
class EpochMetrics:
    """One epoch's metrics; throughput in images per second. None: not logged (yet)."""

    epoch: int
    train_loss: float | None = None
    train_throughput: float | None = None
    validation_mIOU: float | None = None  # noqa: N815 (the service's own spelling)
    validation_pixel_accuracy: float | None = None
    validation_throughput: float | None = None


def schedule_line(iterations_per_epoch: int, epochs: int) -> str:
    return f"LRScheduler setup: iters per epoch: {iterations_per_epoch}, num_epochs {epochs}"


def progress_line(epoch: int, iterations: int, images_per_second: float, learning_rate: float) -> str:
    return (
        f"#progress_notice. epoch: {epoch}, iterations: {iterations} "
        f"speed: {images_per_second} samples/sec learning_rate: {learning_rate:f}"
    )


def parse_schedule(line: str) -> tuple[int, int] | None:
    """The (iterations per epoch, epochs) of a `schedule_line`."""
    match = _SCHEDULE.search(line)
    return (int(match[1]), int(match[2])) if match else None


def parse_progress(line: str) -> tuple[int, int, float] | None:
    """The (epoch, iterations, images per second) of a `progress_line`."""
    match = _PROGRESS.search(line)
    speed = _to_float(match[3]) if match else None
    return (int(match[1]), int(match[2]), speed) if match and speed is not None else None


def device_line(device: str) -> str:
    """What the open implementation computes on; the built-in says nothing of the kind."""
    return f"training on {device}"


def parse_device(line: str) -> str | None:
    """The device of a `device_line`."""
    match = _DEVICE.search(line)
    return match[1].strip() if match else None


def parse_stamp(line: str) -> float | None:
    """When a line was written, in seconds since 1970: containers write UTC. None too for a day that never was."""
    match = _STAMP.search(line)
    try:
        return datetime.strptime(f"{match[1]} +0000", "%m/%d/%Y %H:%M:%S %z").timestamp() if match else None
    except ValueError:
        return None


def train_lines(epoch: int, loss: float, throughput: float) -> list[str]:
    return [
        f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: {loss} .",
        f"#throughput_metric. host: algo-1, epoch: {epoch}, train throughput: {throughput} samples/sec.",
    ]


def validation_lines(epoch: int, pixel_accuracy: float, mean_iou: float, throughput: float) -> list[str]:
    return [
        f"#quality_metric. host: algo-1, epoch: {epoch}, validation pixel_accuracy: {pixel_accuracy} .",
        f"#quality_metric. host: algo-1, epoch: {epoch}, validation mIOU: {mean_iou} .",
        f"#throughput_metric. host: algo-1, epoch: {epoch}, validation throughput: {throughput} samples/sec.",
    ]


def completed_line(epoch: int, epochs: int) -> str:
    return f"#progress_metric: host=algo-1, completed {100 * (epoch + 1) / epochs} % of epochs"


def _metric_values(line: str) -> dict[str, float]:
    """The metrics in a line, by the service's names; non-numbers are passed over."""
    found = {}
    for name, pattern in METRIC_DEFINITIONS.items():
        match = re.search(pattern, line)
        value = _to_float(match[1]) if match else None
        if value is not None:
            found[name] = value
    return found


def _to_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def epoch_metrics(lines: Iterable[str]) -> list[EpochMetrics]:
    """The metrics of each epoch in a log, in order; colours and status lines glued in front are no
    hindrance."""
    by_epoch: dict[int, dict[str, float]] = {}
    for line in lines:
        plain = ANSI.sub("", line)
        match = _EPOCH.search(plain)
        if match:
            values = {name.replace(":", "_"): value for name, value in _metric_values(plain[match.start() :]).items()}
            by_epoch.setdefault(int(match[1]), {}).update(values)
    return [EpochMetrics(epoch, **values) for epoch, values in sorted(by_epoch.items())]

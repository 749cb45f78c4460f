"""What `sageseg jobs process` accepts before the verb."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.shards.shard import MOST_SHARDS
from formats.texts.told_numbers import parse_number, parse_whole
from formats.verbs.command_options import option
from jobs.contract.instances import MOST_PREFERENCES
from jobs.training.options import JobOptions

DEFAULT_TYPE = "ml.c5.2xlarge"
_HOUR, _MOST_HOURS, _MOST_GB = 3600, 216, 16384
"""Of ProcessingStoppingCondition and ProcessingClusterConfig in the service's model: 9 days, 16 TB."""
_MOST_INSTANCES = 100


def parse_instances(text: str) -> int:
    """`4`."""
    count = parse_whole(text)
    if not count or not 1 <= count <= min(_MOST_INSTANCES, MOST_SHARDS):
        raise SagesegError(f"--instances {text}: expected a whole number from 1 to {_MOST_INSTANCES}")
    return count


def parse_types(text: str) -> tuple[str, ...]:
    """`ml.c5.2xlarge,ml.m5.2xlarge`: any that the service has for processing, in the order of their trying."""
    from jobs.contract.service_model import load_service

    known = load_service("sagemaker").shape_for("ProcessingInstanceType").metadata["enum"]
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in known:
            family = ".".join(name.split(".")[:2]) + "."
            near = [other for other in known if other.startswith(family)]
            near = near or [DEFAULT_TYPE, "ml.c5.4xlarge", "ml.m5.2xlarge"]
            raise SagesegError(
                f"--instance-type {name}: no instance type for processing; expected one such as {', '.join(near[:6])}"
            )
    if len(names) > MOST_PREFERENCES:
        raise SagesegError(f"--instance-type {text}: {len(names)} types; the service takes {MOST_PREFERENCES} at most")
    return names


def parse_volume_gb(text: str) -> int:
    """`100`."""
    size = parse_whole(text)
    if not size or not 1 <= size <= _MOST_GB:
        raise SagesegError(f"--volume-gb {text}: expected whole gigabytes from 1 to {_MOST_GB}")
    return size


def parse_max_hours(text: str) -> float:
    """`1.5`: hours, at least a second and at most 9 days."""
    hours = parse_number(text)
    if math.isnan(hours) or not 1 <= hours * _HOUR <= _MOST_HOURS * _HOUR:
        raise SagesegError(f"--max-hours {text}: expected hours such as 4, at most {_MOST_HOURS}")
    return hours


@dataclass(frozen=True)
class ProcessOptions(JobOptions):
    """Where the verb runs, on how many instances, and how much may be spent on it."""

    instances: int = option(
        2, "Instances of the job, each of which makes one shard.", parser=parse_instances, metavar="N"
    )
    instance_type: tuple[str, ...] = option(
        (DEFAULT_TYPE,),
        "What each instance is; of several the first that has capacity.",
        parser=parse_types,
        metavar="TYPE[,TYPE…]",
    )
    volume_gb: int = option(
        100, "Disk of each instance: it holds all inputs and a shard.", parser=parse_volume_gb, metavar="GB"
    )
    max_hours: float = option(24.0, "Hours after which the job is stopped.", parser=parse_max_hours, metavar="HOURS")
    shards: str | None = option(
        None,
        "Where the shards go before they are put together at --out: s3://bucket/prefix, or here with --backend local.",
        metavar="PLACE",
    )
    image: str | None = option(
        None, "The project's image in your registry, made by its Dockerfile; with --wheel a stock one.", metavar="URI"
    )
    wheel: Path | None = option(
        None, "The project's wheel, which instances of an --image with Python 3.11 or newer install.", metavar="FILE"
    )
    name: str | None = option(None, "Name of the job; by default verb and time.")
    wait: bool = option(True, "Follow the job to its end, and merge its shards.")

    @property
    def max_runtime_seconds(self) -> int:
        return int(self.max_hours * _HOUR)

"""What `sageseg jobs process` accepts before the verb."""

from __future__ import annotations

import math
from dataclasses import dataclass

from formats.errors import SagesegError
from formats.shards.shard import MOST_SHARDS
from formats.texts.told_numbers import parse_number, parse_whole
from formats.verbs.command_options import option
from jobs.cost.prices import parse_max_cost, parse_rate
from jobs.training.options import parse_backend, parse_tags

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


def parse_instance_type(text: str) -> str:
    """`ml.c5.2xlarge`: any that the service has for processing."""
    from jobs.contract.service_model import load_service

    known = load_service("sagemaker").shape_for("ProcessingInstanceType").metadata["enum"]
    if text not in known:
        family = ".".join(text.split(".")[:2]) + "."
        near = [name for name in known if name.startswith(family)] or [DEFAULT_TYPE, "ml.c5.4xlarge", "ml.m5.2xlarge"]
        raise SagesegError(
            f"--instance-type {text}: no instance type for processing; expected one such as {', '.join(near[:6])}"
        )
    return text


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
class ProcessOptions:
    """Where the verb runs, on how many instances, and how much may be spent on it."""

    backend: str = option(
        "aws",
        "aws, or local: the same request to the emulator on this machine.",
        parser=parse_backend,
        metavar="aws|local",
    )
    region: str | None = option(None, "AWS region; by default the environment's.")
    instances: int = option(
        2, "Instances of the job, each of which makes one shard.", parser=parse_instances, metavar="N"
    )
    instance_type: str = option(DEFAULT_TYPE, "What each instance is.", parser=parse_instance_type, metavar="TYPE")
    volume_gb: int = option(
        100, "Disk of each instance: it holds all inputs and a shard.", parser=parse_volume_gb, metavar="GB"
    )
    max_hours: float = option(24.0, "Hours after which the job is stopped.", parser=parse_max_hours, metavar="HOURS")
    max_cost: float | None = option(
        None, "Refuse what may cost more, in US dollars.", parser=parse_max_cost, metavar="USD"
    )
    rate: float | None = option(
        None, "Your own dollars per hour of an instance, in place of the price list.", parser=parse_rate, metavar="USD"
    )
    yes: bool = option(False, "Spend without asking.")
    role: str | None = option(None, "ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    image: str | None = option(None, "The project's image in your registry, made by its Dockerfile.", metavar="URI")
    name: str | None = option(None, "Name of the job; by default verb and time.")
    shards: str | None = option(None, "Where the shards go; by default beside --out.", metavar="FOLDER")
    tags: dict[str, str] | None = option(None, "Tags for the job.", parser=parse_tags, metavar="KEY=VALUE[,…]")
    dry_run: bool = option(False, "Print the request and what it may cost, start nothing.")
    wait: bool = option(True, "Follow the job to its end, and merge its shards.")

    @property
    def max_runtime_seconds(self) -> int:
        return int(self.max_hours * _HOUR)

    def idle(self) -> list[str]:
        """A sentence for each given option that another makes idle."""
        dollars = {"--max-cost": self.max_cost, "--rate": self.rate} if self.backend == "local" else {}
        given = [name for name, usd in dollars.items() if usd is not None]
        return [f"{name} has no effect: on this machine nothing is paid" for name in given]

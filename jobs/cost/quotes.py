"""What a job, an endpoint or a batch transform will cost, in words."""

from __future__ import annotations

from dataclasses import dataclass

from formats.texts.wording import format_roughly
from jobs.cost.estimates import Estimate
from jobs.cost.prices import HOURS_PER_MONTH, Rate
from jobs.cost.spent import HOUR, usd_of

_CENT = 0.01


@dataclass(frozen=True)
class TrainingQuote:
    """The most that training jobs can cost: each runs to its limit. `storage_rate` is dollars per GB
    and month of the machine's disk, None where unknown or where the disk comes with the machine."""

    instance_type: str
    rate: Rate
    max_runtime_seconds: int
    jobs: int = 1
    parallel: int = 1
    volume_gb: int = 0
    storage_rate: float | None = None
    spot: bool = False
    expected: Estimate | None = None

    @property
    def worst_usd(self) -> float | None:
        """Dollars; None where the rate is unknown."""
        return self._usd(self.max_runtime_seconds)

    def _usd(self, seconds: float) -> float | None:
        """Dollars, where each job runs so long."""
        if self.rate.usd_per_hour is None:
            return None
        storage = (self.storage_rate or 0) * self.volume_gb / HOURS_PER_MONTH
        return self.jobs * seconds / HOUR * (self.rate.usd_per_hour + storage)

    def describe(self) -> str:
        """One line in words: the rate, its source, the worst case, and what is likely where that was measured."""
        if self.rate.usd_per_hour is None:
            return f"{self.instance_type}: price unknown ({self.rate.source}){self._likely()}"
        longest = f"{self.max_runtime_seconds / HOUR:.4g} h"
        if self.jobs > 1:
            longest = f"{self.jobs} jobs of {longest}, {self.parallel} at a time,"
        spot = "; spot capacity costs less, never more" if self.spot else ""
        return (
            f"{self.instance_type}: ${self.rate.usd_per_hour:.4g} per hour ({self.rate.source}); "
            f"at worst ${self.worst_usd:.2f}, if it runs all {longest} allowed{spot}{self._likely()}"
        )

    def _likely(self) -> str:
        """Empty where nothing alike was measured. The start of an instance is not billed, the data's download is."""
        if self.expected is None:
            return ""
        seconds, usd = self.expected.seconds, self._usd(self.expected.seconds)
        dollars = "" if usd is None else f"${usd:.2f} for " if usd >= _CENT else f"under ${_CENT} for "
        times = f"{self.jobs} times " if self.jobs > 1 else ""
        late = ", longer than --max-runtime" if seconds > self.max_runtime_seconds else ""
        basis = f"{self.expected.basis}; fetching the data comes on top"
        return f"; likely {dollars}{times}{format_roughly(seconds)} of training{late} ({basis})"


@dataclass(frozen=True)
class EndpointQuote:
    """What an endpoint costs for as long as it stands, asked or not."""

    instance_type: str
    rate: Rate
    instances: int = 1

    @property
    def usd_per_hour(self) -> float | None:
        return None if self.rate.usd_per_hour is None else self.rate.usd_per_hour * self.instances

    @property
    def most_usd_per_hour(self) -> float | None:
        return self.usd_per_hour

    @property
    def lower(self) -> str:
        """What makes it cheaper."""
        return "--ttl"

    @property
    def usd_per_month(self) -> float | None:
        return None if self.usd_per_hour is None else self.usd_per_hour * HOURS_PER_MONTH

    def describe(self) -> str:
        if self.usd_per_hour is None:
            return f"{self.instance_type}: price unknown ({self.rate.source}); it is billed until it is deleted"
        return (
            f"{self.instance_type}: ${self.usd_per_hour:.4g} per hour, ${24 * self.usd_per_hour:.2f} per day, "
            f"${self.usd_per_month:.2f} per month until it is deleted ({self.rate.source})"
        )


@dataclass(frozen=True)
class AsyncQuote:
    """What an asynchronous endpoint costs: nothing while it sleeps, awake so many instances at most."""

    instance_type: str
    rate: Rate
    most: int

    @property
    def usd_per_hour(self) -> float | None:
        """Of one instance, with which it begins."""
        return self.rate.usd_per_hour

    @property
    def most_usd_per_hour(self) -> float | None:
        return None if self.usd_per_hour is None else self.usd_per_hour * self.most

    @property
    def lower(self) -> str:
        return "--max-instances or --ttl"

    def describe(self) -> str:
        machines = f"{self.instance_type}, asynchronous, 0 to {self.most}"
        if self.most_usd_per_hour is None:
            return f"{machines}: price unknown ({self.rate.source}); nothing while it sleeps"
        return (
            f"{machines}: nothing while it sleeps, ${self.usd_per_hour:.4g} per hour for each that is awake "
            f"({self.rate.source}); at worst ${24 * self.most_usd_per_hour:.2f} per day, if it never sleeps"
        )


@dataclass(frozen=True)
class ServerlessQuote:
    """What a serverless endpoint costs: its containers for as long as they answer. `rate` is dollars per hour of one
    at work."""

    memory_mb: int
    rate: Rate
    most: int

    @property
    def instance_type(self) -> str:
        return serverless_words(self.memory_mb, self.most)

    @property
    def usd_per_hour(self) -> float | None:
        """While nobody asks."""
        return None if self.rate.usd_per_hour is None else 0.0

    @property
    def most_usd_per_hour(self) -> float | None:
        return None if self.rate.usd_per_hour is None else self.rate.usd_per_hour * self.most

    @property
    def lower(self) -> str:
        return "--max-concurrency, --memory or --ttl"

    def describe(self) -> str:
        if self.rate.usd_per_hour is None or self.most_usd_per_hour is None:
            return f"{self.instance_type}: price unknown ({self.rate.source}); nothing while nobody asks"
        return (
            f"{self.instance_type}: nothing while nobody asks, ${self.rate.usd_per_hour:.4g} per hour of answering "
            f"({self.rate.source}), and data in and out on top; at worst ${24 * self.most_usd_per_hour:.2f} per day, "
            f"if {self.most} answer without pause"
        )


@dataclass(frozen=True)
class TransformQuote:
    """What a batch transform costs for as long as it runs; it has no limit of its own."""

    instance_type: str
    rate: Rate
    instances: int = 1

    @property
    def usd_per_hour(self) -> float | None:
        """Of all instances together."""
        return None if self.rate.usd_per_hour is None else self.rate.usd_per_hour * self.instances

    def describe(self, max_cost: float | None) -> str:
        """One line in words; with `max_cost` the transform is stopped from here."""
        machines = count_instances(self.instances, self.instance_type)
        if self.rate.usd_per_hour is None or self.usd_per_hour is None:
            unknown = f"price unknown ({self.rate.source})"
            return f"{machines}: {unknown}; a transform is billed for as long as it runs"
        each = "" if self.instances == 1 else f"${self.rate.usd_per_hour:.4g} each, "
        limit = f"; stopped from here at ${max_cost:g}" if max_cost is not None else ""
        return (
            f"{machines}: ${self.usd_per_hour:.4g} per hour ({each}{self.rate.source}) for as long as the "
            f"transform runs, minutes of its start included{limit}"
        )


@dataclass(frozen=True)
class ProcessingQuote:
    """The most that a processing job can cost: all its instances, with their disks, to its limit. `storage_rate` is
    dollars per GB and month of a disk, None where unknown."""

    instance_type: str
    rate: Rate
    instances: int
    max_runtime_seconds: int
    volume_gb: int
    storage_rate: float | None

    @property
    def usd_per_hour(self) -> float | None:
        """Of all instances together, with their disks."""
        if self.rate.usd_per_hour is None:
            return None
        return self.instances * (self.rate.usd_per_hour + (self.storage_rate or 0) * self.volume_gb / HOURS_PER_MONTH)

    @property
    def worst_usd(self) -> float | None:
        return usd_of(self.max_runtime_seconds, self.usd_per_hour)

    def describe(self) -> str:
        machines = count_instances(self.instances, self.instance_type)
        if self.usd_per_hour is None:
            return f"{machines}: price unknown ({self.rate.source})"
        hours = f"{self.max_runtime_seconds / HOUR:.4g} h"
        return (
            f"{machines}: ${self.usd_per_hour:.4g} per hour with disks ({self.rate.source}); at worst "
            f"${self.worst_usd:.2f}, if it runs all {hours} allowed"
        )


def count_instances(count: int, instance_type: str) -> str:
    """`ml.c5.xlarge`, `4 × ml.c5.xlarge`."""
    return instance_type if count == 1 else f"{count} × {instance_type}"


def serverless_words(memory_mb: int, most: int) -> str:
    """What a serverless endpoint runs on."""
    return f"serverless, {memory_mb} MB, at most {most} at a time"

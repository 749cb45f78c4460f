"""What a job or an endpoint will cost at most, said before it starts, and what it did cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from formats.console import agree, say
from formats.errors import SagesegError
from jobs.cost.prices import HOURS_PER_MONTH, Rate

_HOUR = 3600


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

    @property
    def worst_usd(self) -> float | None:
        """Dollars; None where the rate is unknown."""
        if self.rate.usd_per_hour is None:
            return None
        hours = self.jobs * self.max_runtime_seconds / _HOUR
        storage = (self.storage_rate or 0) * self.volume_gb / HOURS_PER_MONTH
        return hours * (self.rate.usd_per_hour + storage)

    def describe(self) -> str:
        """One line in words: the rate, its source, the worst case."""
        if self.rate.usd_per_hour is None:
            return f"{self.instance_type}: price unknown ({self.rate.source})"
        longest = f"{self.max_runtime_seconds / _HOUR:.4g} h"
        if self.jobs > 1:
            longest = f"{self.jobs} jobs of {longest}, {self.parallel} at a time,"
        spot = "; spot capacity costs less, never more" if self.spot else ""
        return (
            f"{self.instance_type}: ${self.rate.usd_per_hour:.4g} per hour ({self.rate.source}); "
            f"at worst ${self.worst_usd:.2f}, if it runs all {longest} allowed{spot}"
        )


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
    def usd_per_month(self) -> float | None:
        return None if self.usd_per_hour is None else self.usd_per_hour * HOURS_PER_MONTH

    def describe(self) -> str:
        if self.usd_per_hour is None:
            return f"{self.instance_type}: price unknown ({self.rate.source}); it is billed until it is deleted"
        return (
            f"{self.instance_type}: ${self.usd_per_hour:.4g} per hour, ${24 * self.usd_per_hour:.2f} per day, "
            f"${self.usd_per_month:.2f} per month until it is deleted ({self.rate.source})"
        )


def check_max_cost(worst_usd: float | None, max_cost: float | None, what: str, *, lower: str = "--max-runtime") -> None:
    """Raise SagesegError when something may cost more than the user allows, or when nobody knows.
    `lower` names the options that make it cheaper."""
    if max_cost is None:
        return
    if worst_usd is None:
        raise SagesegError(
            f"{what}: its price is unknown, so --max-cost {max_cost:g} cannot be kept; look it up on "
            "aws.amazon.com/sagemaker/pricing and leave --max-cost out, or choose another --instance-type"
        )
    if worst_usd > max_cost:
        raise SagesegError(
            f"{what}: may cost ${worst_usd:.2f}, more than --max-cost {max_cost:g}; lower {lower}, "
            "choose a cheaper --instance-type or raise --max-cost"
        )


def actual_usd(description: Mapping[str, Any], usd_per_hour: float | None) -> float | None:
    """What a finished training job cost: the billed seconds that the service reports, at a rate."""
    seconds = description.get("BillableTimeInSeconds")
    return None if seconds is None or usd_per_hour is None else seconds / _HOUR * usd_per_hour


def agree_on_cost(quotes: Sequence[TrainingQuote], *, max_cost: float | None, yes: bool) -> None:
    """Say what may be spent on training, and have it agreed to."""
    for note in dict.fromkeys(quote.rate.note for quote in quotes if quote.rate.note):
        say(f"note: {note}")
    for number, quote in enumerate(quotes):
        say(quote.describe() if number == 0 else f"if it moves on: {quote.describe()}")
        lower = "--max-runtime" if quote.jobs == 1 else "--max-jobs or --max-runtime"
        check_max_cost(quote.worst_usd, max_cost, quote.instance_type, lower=lower)
    agree_to_spend(max_cost=max_cost, yes=yes)


def agree_to_spend(*, max_cost: float | None, yes: bool) -> None:
    """What was said to cost money is agreed to: by --yes, by --max-cost, or by a person's answer.

    Off a terminal nobody can answer: there one of the two options is required.
    """
    if yes or max_cost is not None:
        return
    nobody = "this costs money and nobody is there to ask; add --yes, or --max-cost USD"
    if not agree("start it?", unattended=nobody):
        raise SagesegError("not started")

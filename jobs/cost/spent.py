"""What machines have cost: seconds at a rate. None where no price is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

HOUR = 3600


def usd_of(seconds: float | None, usd_per_hour: float | None) -> float | None:
    """Dollars; None too where the seconds are unknown."""
    return None if seconds is None or usd_per_hour is None else seconds / HOUR * usd_per_hour


def billed_usd(description: Mapping[str, Any], usd_per_hour: float | None) -> float | None:
    """What a finished training job cost: the billed seconds that the service reports, at a rate."""
    return usd_of(description.get("BillableTimeInSeconds"), usd_per_hour)


def usd_so_far(
    spans: Iterable[tuple[datetime | None, datetime | None]], usd_per_hour: float | None, now: float
) -> float | None:
    """Dollars for machines by when each was started and ended; those that still run cost until `now`, in
    seconds since 1970."""
    seconds = [(ended.timestamp() if ended else now) - started.timestamp() for started, ended in spans if started]
    return usd_of(sum(max(span, 0.0) for span in seconds), usd_per_hour)

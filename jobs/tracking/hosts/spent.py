"""What a processing job did cost, by its description: how long its instances ran, and their price now."""

from __future__ import annotations

from typing import Any

from jobs.backends import Place
from jobs.contract.instances import running_on
from jobs.cost.prices import STORAGE, find_rate
from jobs.cost.quotes import ProcessingQuote
from jobs.cost.spent import usd_of
from jobs.tracking.hosts.follow import seconds_of


def spent_on(description: dict[str, Any], place: Place, own_rate: float | None = None) -> tuple[float, str] | None:
    """Dollars, and where their rate is from; None where it has not ended, never ran, or the price is unknown, and on
    this machine."""
    cluster, seconds = description["ProcessingResources"]["ClusterConfig"], seconds_of(description)
    kind = running_on(cluster)
    if place.backend == "local" or kind is None or seconds is None:
        return None
    rate = find_rate(place.region, kind, "Processing", own=own_rate)
    limit = description["StoppingCondition"]["MaxRuntimeInSeconds"]
    quote = ProcessingQuote(
        kind, rate, cluster["InstanceCount"], limit, cluster["VolumeSizeInGB"], STORAGE.get(place.region)
    )
    usd = usd_of(seconds, quote.usd_per_hour)
    return None if usd is None else (usd, rate.source)

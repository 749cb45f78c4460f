"""What a batch transform's instances are had for: within the account's quota, at a price that is agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formats.errors import SagesegError
from jobs.cost.agreement import agree_on_transform
from jobs.cost.prices import Rate, find_rate
from jobs.cost.quotes import TransformQuote, count_instances
from jobs.prediction.options import RouteOptions
from jobs.quotas import find_quotas, quota_name
from jobs.tracking.trained_model import TrainedModel


def agreed_rate(trained: TrainedModel, options: RouteOptions, instances: int) -> Rate | None:
    """The price of an instance, said and agreed to for so many, which the account may have; None on this machine."""
    if trained.backend == "local":
        return None
    _check_quota(trained.region, options.instance_type, instances)
    rate = find_rate(trained.region, options.instance_type, "Tsform", own=options.rate)
    quote = TransformQuote(options.instance_type, rate, instances)
    agree_on_transform(quote, max_cost=options.max_cost, yes=options.yes)
    return rate


def _check_quota(region: str, instance_type: str, instances: int) -> None:
    """Raise SagesegError where the account may not have so many, as far as Service Quotas tells."""
    quota = find_quotas(region, [instance_type], "transform job").get(instance_type)
    if quota is not None and quota < instances:
        named = f"'{quota_name(instance_type, 'transform job')}' is {quota:g}"
        fewer = "" if quota < 1 else f"lower --instances to {quota:g}, "
        raise SagesegError(
            f"{count_instances(instances, instance_type)}: this account's quota {named}; {fewer}ask for more under "
            "Service Quotas, or name another --instance-type"
        )


def transform_usd_per_hour(transform: Mapping[str, Any], rate: Rate | None) -> float | None:
    """Of all instances that a request names."""
    machines = transform["TransformResources"]
    return TransformQuote(machines["InstanceType"], rate, machines["InstanceCount"]).usd_per_hour if rate else None

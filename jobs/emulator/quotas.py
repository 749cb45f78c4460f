"""Quotas, refused in AWS's words. What is not named in the rehearsal file has no limit."""

from __future__ import annotations

from jobs.emulator.api.faults import ServiceError
from jobs.emulator.host.rehearsal import Plan


def check_quota(plan: Plan, instance_type: str, use: str, current: int) -> None:
    """Raise ServiceError when one more instance would exceed the quota of a use, such as
    `training job`, of which `current` are in use."""
    usage = f"{instance_type} for {use} usage"
    limit = plan.quota(usage)
    if limit is not None and current + 1 > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{usage}' is {limit} Instances, with current utilization of "
            f"{current} Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an "
            "increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an "
            "increase for this quota.",
        )

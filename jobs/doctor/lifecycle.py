"""What AWS Health tells of the end of SageMaker's versions.

The operation is in botocore's model of Health (1.44.5); which name SageMaker has there, and whether algorithms and
instance types are told of, nobody here has seen. Other operations of Health need a paid support plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws.clients import aws_errors, make_client
from formats.errors import SagesegError
from jobs.doctor.findings import Finding

_SERVICE = "SAGEMAKER"
"""As Health names services in its events."""
_SHOWN = 5


def examine_lifecycle(region: str) -> Finding:
    """A note of what is about to end; that it may not be asked is no hindrance."""
    try:
        with aws_errors("asking AWS Health what ends"):
            health = make_client("health", region, hurried=True)
            pages = health.get_paginator("describe_service_lifecycle").paginate(filter={"service": _SERVICE})
            entries = [entry for page in pages for entry in page.get("serviceLifecycles", ())]
    except SagesegError as e:
        told = str(e).partition("; ")[0]
        return Finding(
            "note", "lifecycle", f"not told: {told}", "needs health:DescribeServiceLifecycle, and is optional"
        )
    return judge_lifecycle(entries, region)


def judge_lifecycle(entries: Iterable[Mapping[str, Any]], region: str) -> Finding:
    """`entries` are Health's serviceLifecycles; events of other regions are left out."""
    told = [
        f"{entry.get('title') or entry.get('service', '')} {entry.get('version', '')}: "
        f"{event.get('lifecycleEventType', 'ends')} {_day(event.get('date'))}"
        for entry in entries
        for event in entry.get("lifecycleEvents", ())
        if region in event.get("regions", [region])
    ]
    if not told:
        return Finding("ok", "lifecycle", "AWS Health tells of nothing of SageMaker's that ends")
    more = f", and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return Finding("note", "lifecycle", "; ".join(told[:_SHOWN]) + more, "read AWS Health's page of this account")


def _day(date: Any) -> str:
    return f"{date:%Y-%m-%d}" if hasattr(date, "strftime") else "on a day that is not told"

"""An endpoint as `sageseg jobs show` tells of it, where no job has its name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws.names import JOB_TAG
from jobs.backends import Place
from jobs.cost.quotes import serverless_words
from jobs.endpoints.clear_leftovers import lease_words, price_words
from jobs.endpoints.leftovers import endpoint_leftover
from jobs.endpoints.parts import CONFIG, Capacity, capacity_of, describe_part, tags_of


def endpoint_headlines(place: Place, found: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """What is said of an endpoint, which its backend describes as `found`: what it serves, runs on and costs."""
    tags = tags_of(place.sagemaker, found["EndpointArn"])
    one = endpoint_leftover(place, found, tags)
    config = describe_part(place.sagemaker, CONFIG, found["EndpointConfigName"])
    lines = {
        "endpoint": found["EndpointName"],
        "status": one.status,
        "reason": found.get("FailureReason", ""),
        "serves": tags.get(JOB_TAG, ""),
        "runs on": _runs_on(capacity_of(config, found)) if config else "",
        "created": f"{found['CreationTime']:%Y-%m-%d %H:%M} UTC",
        "cost": "  ".join(part for part in (price_words(one), one.about) if part),
        "lease": lease_words(one, now),
    }
    return {name: said for name, said in lines.items() if said}


def _runs_on(capacity: Capacity) -> str:
    if capacity.serverless:
        return serverless_words(capacity.serverless.memory_mb, capacity.serverless.max_concurrency)
    many = f"{capacity.instances} × " if capacity.instances > 1 else ""
    return f"{many}{capacity.instance_type}"

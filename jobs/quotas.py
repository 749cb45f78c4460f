"""How many instances of a type an account may have for a use, by Service Quotas: too low a quota is known before
anything is sent, and a list of types is refused whole where one of them has 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from aws.clients import aws_errors, make_client
from formats.console import say
from formats.errors import SagesegError

Use = Literal["training job", "spot training job", "transform job", "processing job", "endpoint"]
_PAGE = 100


def training_use(*, spot: bool) -> Use:
    return "spot training job" if spot else "training job"


def quota_name(instance_type: str, use: Use) -> str:
    """As Service Quotas calls it, and as ResourceLimitExceeded names it."""
    return f"{instance_type} for {use} usage"


@dataclass(frozen=True)
class Quota:
    """How many instances at once, and the code by which more are asked for; empty where it is not told."""

    value: float
    code: str


def find_quotas(region: str, types: Iterable[str], use: Use) -> dict[str, float]:
    """The quotas of these instance types, as far as Service Quotas tells them. Where it may not be asked that is
    said, and nothing is known."""
    kinds = {quota_name(kind, use): kind for kind in types}
    found: dict[str, Quota] = {}
    try:
        for name, quota in listed_quotas(region, kinds):
            found[kinds[name]] = quota
    except SagesegError as e:
        say(f"note: no quota was looked at: {e}")
    return {kind: quota.value for kind, quota in found.items()}


def listed_quotas(region: str, names: Collection[str]) -> Iterator[tuple[str, Quota]]:
    """Of these names (`quota_name`) those that Service Quotas tells, as its pages come. Raises SagesegError where it
    may not be asked, or does not answer."""
    wanted = set(names)
    if not wanted:
        return
    with aws_errors("listing the quotas of SageMaker"):
        client = make_client("service-quotas", region, hurried=True)
        pages = client.get_paginator("list_service_quotas").paginate(
            ServiceCode="sagemaker", PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            for quota in page["Quotas"]:
                if quota["QuotaName"] in wanted:
                    wanted.remove(quota["QuotaName"])
                    yield quota["QuotaName"], Quota(quota["Value"], quota.get("QuotaCode", ""))
            if not wanted:
                break  # SageMaker has thousands

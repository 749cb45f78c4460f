"""How many instances of a type an account may have for a use, by Service Quotas: too low a quota is known before
anything is sent, and a list of types is refused whole where one of them has 0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from aws.clients import aws_errors, make_client
from formats.console import say
from formats.errors import SagesegError

Use = Literal["training job", "spot training job", "transform job", "processing job"]
_PAGE = 100


def training_use(*, spot: bool) -> Use:
    return "spot training job" if spot else "training job"


def quota_name(instance_type: str, use: Use) -> str:
    """As Service Quotas calls it, and as ResourceLimitExceeded names it."""
    return f"{instance_type} for {use} usage"


def find_quotas(region: str, types: Iterable[str], use: Use) -> dict[str, float]:
    """The quotas of these instance types, as far as Service Quotas tells them. Where it may not be asked that is
    said, and nothing is known."""
    kinds = {quota_name(kind, use): kind for kind in types}
    found: dict[str, float] = {}
    if not kinds:
        return found
    try:
        with aws_errors("listing the quotas of SageMaker"):
            client = make_client("service-quotas", region, hurried=True)
            pages = client.get_paginator("list_service_quotas").paginate(
                ServiceCode="sagemaker", PaginationConfig={"PageSize": _PAGE}
            )
            for page in pages:
                named = {quota["QuotaName"]: quota["Value"] for quota in page["Quotas"]}
                found |= {kinds[name]: value for name, value in named.items() if name in kinds}
                if len(found) == len(kinds):
                    break  # SageMaker has thousands
    except SagesegError as e:
        say(f"note: no quota was looked at: {e}")
    return found

"""What SageMaker's instances cost where the price list cannot be asked: a table with its date.

Every rate is US dollars per hour on demand. Hosting, batch and processing are taken to cost what training on
the same type costs, as the price lists that were seen say. What is not in the table is unknown,
never guessed from another region. docs/cost.md names the source of each row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict

from formats.errors import SagesegError
from formats.texts.told_numbers import parse_number
from formats.texts.typed_json import parse_told, short

Component = Literal["Train", "Host", "AsyncInf", "Tsform", "Processing"]
"""How a usage type names training, an endpoint, an asynchronous one, a batch and a processing job:
`USE1-Train:ml.g5.2xlarge`."""
_PRICED_FROM = "us-east-1"
"""The price list answers in few regions, for all of them."""
TABLE_DATE, SERVERLESS_DATE = "2026-11-21", "2026-11-29"
HOURS_PER_MONTH = 730
_HOUR, _GB = 3600, 1024

_GPUS = {
    "ml.p3.2xlarge": 3.825,
    "ml.p3.8xlarge": 14.688,
    "ml.g4dn.2xlarge": 0.94,
    "ml.g4dn.4xlarge": 1.505,
    "ml.g4dn.8xlarge": 2.72,
    "ml.g4dn.12xlarge": 4.89,
    "ml.g4dn.16xlarge": 5.44,
    "ml.g5.16xlarge": 5.12,
}
"""Seen alike in both regions below."""
TABLE: dict[str, dict[str, float]] = {
    "us-east-1": {
        **_GPUS,
        "ml.p3.16xlarge": 28.152,
        "ml.p3dn.24xlarge": 35.894,
        "ml.g4dn.xlarge": 0.7364,
        "ml.g5.xlarge": 1.4084,
        "ml.g5.2xlarge": 1.515,
        "ml.g5.4xlarge": 2.03,
        "ml.g5.12xlarge": 7.09,
        "ml.g5.24xlarge": 10.18,
        "ml.g5.48xlarge": 20.36,
        "ml.c5.large": 0.102,
        "ml.c5.xlarge": 0.204,
        "ml.c5.2xlarge": 0.408,
        "ml.m5.large": 0.115,
        "ml.m5.xlarge": 0.23,
        "ml.m5.2xlarge": 0.461,
        "ml.m5.4xlarge": 0.922,
    },
    "us-east-2": dict(_GPUS),
}
STORAGE = {"us-east-1": 0.14}
"""SageMaker's disks, dollars per GB and month."""
SERVERLESS = {"us-east-1": 0.00002}
"""A serverless container at work, dollars per second and GB of its memory."""


@dataclass(frozen=True)
class Rate:
    """Dollars per hour of one instance, None where unknown, who says so, and why nobody better does."""

    usd_per_hour: float | None
    source: str
    note: str = ""


def table_rate(region: str, instance_type: str) -> Rate:
    """The project's own table."""
    found = TABLE.get(region, {}).get(instance_type)
    if found is None:
        return Rate(None, f"no price of {instance_type} in {region} in this project's table of {TABLE_DATE}")
    return Rate(found, f"this project's table of {TABLE_DATE}")


def parse_rate(text: str) -> float:
    """`1.69`: dollars per hour."""
    usd = parse_number(text)
    if not 0 < usd < math.inf:
        raise SagesegError(f"--rate {text}: expected dollars per hour above 0, such as 1.69")
    return usd


def parse_max_cost(text: str) -> float:
    """`10`: the most that may be spent, in dollars."""
    usd = parse_number(text)
    if not 0 <= usd < math.inf:
        raise SagesegError(f"--max-cost {text}: expected dollars, such as 10")
    return usd


def find_rate(region: str, instance_type: str, component: Component, *, own: float | None = None) -> Rate:
    """The user's `own` rate, else AWS's, or the project's table with the reason why AWS's could not be had."""
    if own is not None:
        return Rate(own, "your --rate")
    try:
        answered = listed_rate(_ask(region, instance_type), instance_type, component)
    except SagesegError as e:
        return replace(table_rate(region, instance_type), note=f"AWS's price list was not to be had: {e}")
    if answered is None:
        return Rate(None, f"AWS's price list has no {component} rate of {instance_type} in {region}")
    return Rate(answered, "AWS's price list")


def find_serverless_rate(region: str, memory_mb: int, *, own: float | None = None) -> Rate:
    """What a serverless container costs in an hour of work: the user's `own`, else AWS's, or the project's table."""
    if own is not None:
        return Rate(own, "your --rate")
    size = f"Mem-{memory_mb // _GB}GB"
    try:
        answered = listed_rate(_ask(region, "ML Serverless", "productFamily"), size, "ServerlessInf")
    except SagesegError as e:
        per_second, source = SERVERLESS.get(region), f"this project's table of {SERVERLESS_DATE}"
        usd = None if per_second is None else _HOUR * per_second * memory_mb / _GB
        said = source if usd is not None else f"no price of serverless in {region} in {source}"
        return Rate(usd, said, note=f"AWS's price list was not to be had: {e}")
    if answered is None:
        return Rate(None, f"AWS's price list has no serverless rate of {memory_mb} MB in {region}")
    return Rate(_HOUR * answered, "AWS's price list")


def _ask(region: str, value: str, field: str = "instanceName") -> list[str]:
    from aws.clients import aws_errors, make_client

    filters = {"regionCode": region, field: value}
    asked = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()]
    with aws_errors("asking for the price"):
        pages = (
            make_client("pricing", _PRICED_FROM, hurried=True)
            .get_paginator("get_products")
            .paginate(ServiceCode="AmazonSageMaker", Filters=asked)
        )
        return [product for page in pages for product in page["PriceList"]]


def listed_rate(
    products: Iterable[str], instance_type: str, component: Component | Literal["ServerlessInf"]
) -> float | None:
    """The rate among the products (JSON texts) that GetProducts answered; the highest if there are
    several, as beside a free first share, None without one."""
    usage = re.compile(rf"(^|-){component}:{re.escape(instance_type)}$")
    found = [
        _dollars(dimension["pricePerUnit"]["USD"])
        for product in (parse_told(text, _Product, "AWS's price list", _MEND) for text in products)
        if usage.search(product["product"]["attributes"].get("usagetype", ""))
        for dimension in _on_demand(product)
    ]
    return max(found, default=None)


class _Attributes(TypedDict, total=False):
    usagetype: str


class _Described(TypedDict):
    attributes: _Attributes


class _Dimension(TypedDict):
    pricePerUnit: dict[str, str]


class _Term(TypedDict):
    priceDimensions: dict[str, _Dimension]


class _Terms(TypedDict, total=False):
    OnDemand: dict[str, _Term]


class _Product(TypedDict):
    product: _Described
    terms: _Terms


_MEND = "name the price with --rate"


def _dollars(text: str) -> float:
    usd = parse_number(text)
    if not 0 <= usd < math.inf:
        raise SagesegError(f"AWS's price list: a price of {short(text)}; {_MEND}")
    return usd


def _on_demand(product: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for term in product["terms"].get("OnDemand", {}).values():
        yield from (dimension for dimension in term["priceDimensions"].values() if "USD" in dimension["pricePerUnit"])

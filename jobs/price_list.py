"""Rates from AWS's price list (pricing:GetProducts), where the caller may ask for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from formats.errors import SagesegError
from jobs.cost.prices import Rate, table_rate

Component = Literal["Train", "Host", "Tsform"]
"""How a usage type names training, an endpoint and a batch job: `USE1-Train:ml.g5.2xlarge`."""
_PRICED_FROM = "us-east-1"
"""The price list answers in few regions, for all of them."""


def find_rate(region: str, instance_type: str, component: Component) -> Rate:
    """AWS's own rate, or the project's table with the reason why AWS's could not be had."""
    try:
        answered = listed_rate(_ask(region, instance_type), instance_type, component)
    except SagesegError as e:
        return replace(table_rate(region, instance_type), note=f"AWS's price list was not to be had: {e}")
    if answered is None:
        return Rate(None, f"AWS's price list has no {component} rate of {instance_type} in {region}")
    return Rate(answered, "AWS's price list")


def _ask(region: str, instance_type: str) -> list[str]:
    from jobs.backends import aws_errors, make_client

    filters = {"regionCode": region, "instanceName": instance_type}
    asked = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()]
    with aws_errors("asking for the price"):
        pages = (
            make_client("pricing", "aws", _PRICED_FROM, hurried=True)
            .get_paginator("get_products")
            .paginate(ServiceCode="AmazonSageMaker", Filters=asked)
        )
        return [product for page in pages for product in page["PriceList"]]


def listed_rate(products: Iterable[str], instance_type: str, component: Component) -> float | None:
    """The rate among the products (JSON texts) that GetProducts answered; the highest if there are
    several, None without one."""
    usage = re.compile(rf"(^|-){component}:{re.escape(instance_type)}$")
    found = [
        float(dimension["pricePerUnit"]["USD"])
        for product in map(json.loads, products)
        if usage.search(product["product"]["attributes"].get("usagetype", ""))
        for dimension in _on_demand(product)
    ]
    return max(found, default=None)


def _on_demand(product: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for term in product["terms"].get("OnDemand", {}).values():
        yield from (dimension for dimension in term["priceDimensions"].values() if "USD" in dimension["pricePerUnit"])

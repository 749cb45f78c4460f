"""What SageMaker's instances cost where the price list cannot be asked: a table with its date.

Every rate is US dollars per hour on demand. Hosting and batch are taken to cost what training on
the same type costs, as the price lists that were seen say. What is not in the table is unknown,
never guessed from another region. docs/cost.md names the source of each row.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_DATE = "2026-11-21"
HOURS_PER_MONTH = 730

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
S3_STORAGE = {"us-east-1": 0.023}
"""S3 Standard's first 50 TB, dollars per GB and month."""


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

"""An endpoint's lease: how long it may stand, and the schedule that ends it.

EventBridge Scheduler can call any AWS operation at a time ("universal target", user guide): at the
lease's end it calls `sagemaker:DeleteEndpoint`, then deletes itself. It needs a role of its own that
scheduler.amazonaws.com may assume.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from formats.errors import SagesegError
from jobs.aws.errors import AwsError
from jobs.backends import aws_errors, make_client

UNTIL_TAG = "sageseg:until"
"""The end of an endpoint's lease, `2026-11-21T07:00:00Z`."""
SCHEDULE_PREFIX = "sageseg-"
MAX_ENDPOINT_NAME = 64 - len(SCHEDULE_PREFIX)
"""An endpoint's name, so that a schedule's 64 characters hold it."""
DELETE_ENDPOINT = "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint"
SHORTEST = timedelta(minutes=10)
"""Until an endpoint is in service minutes pass, and before that it cannot be deleted."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST_DAYS = 365
_STAMP = "%Y-%m-%dT%H:%M:%S"


def parse_ttl(text: str) -> timedelta:
    """`30m`, `2h`, `1.5d`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text.strip())
    length = timedelta(**{_UNITS[found[2]]: min(float(found[1]), 1e6)}) if found else timedelta()
    if not SHORTEST <= length <= timedelta(days=_LONGEST_DAYS):
        raise SagesegError(f"--ttl {text}: expected 10m to {_LONGEST_DAYS}d, such as 30m, 2h or 1d")
    return length


def format_until(until: datetime) -> str:
    return f"{until.astimezone(UTC):{_STAMP}}Z"


def parse_until(text: str) -> datetime | None:
    """The time in a `format_until`; None for a tag that somebody else wrote."""
    try:
        return datetime.strptime(text, f"{_STAMP}Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def schedule_name(endpoint: str) -> str:
    return SCHEDULE_PREFIX + endpoint


def endpoint_of_schedule(name: str) -> str:
    """The counterpart of `schedule_name`."""
    return name.removeprefix(SCHEDULE_PREFIX)


def schedule_request(endpoint: str, until: datetime, role: str, region: str) -> dict[str, Any]:
    """The dictionary that `create_schedule` takes. The partition is the region's."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return {
        "Name": schedule_name(endpoint),
        "Description": f"sageseg: the lease of endpoint {endpoint} ends",
        "ScheduleExpression": f"at({until.astimezone(UTC):{_STAMP}})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": DELETE_ENDPOINT.replace("arn:aws:", f"arn:{partition}:"),
            "RoleArn": role,
            "Input": json.dumps({"EndpointName": endpoint}),
        },
    }


def create_schedule(request: dict[str, Any], region: str) -> None:
    """Raises AwsError, also where the caller may not make schedules."""
    with aws_errors(f"creating schedule {request['Name']}"):
        make_client("scheduler", "aws", region).create_schedule(**request)


def delete_schedule(endpoint: str, region: str) -> bool:
    """Whether there was one. Raises AwsError."""
    name = schedule_name(endpoint)
    try:
        with aws_errors(f"deleting schedule {name}"):
            make_client("scheduler", "aws", region).delete_schedule(Name=name)
    except AwsError as e:
        if e.code == "ResourceNotFoundException":
            return False
        raise
    return True

"""An endpoint's lease: how long it may stand, and the schedule that ends it.

EventBridge Scheduler can call any AWS operation at a time ("universal target", user guide): at the
lease's end it calls `sagemaker:DeleteEndpoint`, then deletes itself. It needs a role of its own that
scheduler.amazonaws.com may assume.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from aws.clients import aws_errors, make_client
from aws.errors import AwsError
from aws.names import SCHEDULE_PREFIX, format_until
from jobs.creating import SCHEDULE, create

DELETE_ENDPOINT = "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint"


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
        "ScheduleExpression": f"at({format_until(until).removesuffix('Z')})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": DELETE_ENDPOINT.replace("arn:aws:", f"arn:{partition}:"),
            "RoleArn": role,
            "Input": json.dumps({"EndpointName": endpoint}),
        },
    }


def create_schedule(request: dict[str, Any], region: str, since: datetime) -> None:
    """Raises AwsError, also where the caller may not make schedules; `since` as `jobs.creating.create` has it."""
    create(make_client("scheduler", region), SCHEDULE, request, since)


def delete_schedule(endpoint: str, region: str) -> bool:
    """Whether there was one. Raises AwsError."""
    name = schedule_name(endpoint)
    try:
        with aws_errors(f"deleting schedule {name}"):
            make_client("scheduler", region).delete_schedule(Name=name)
    except AwsError as e:
        if e.code == "ResourceNotFoundException":
            return False
        raise
    return True

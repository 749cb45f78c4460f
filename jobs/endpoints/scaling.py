"""How an asynchronous endpoint goes to sleep and wakes: Application Auto Scaling between no instance and so many.

Developer guide, "Autoscale an asynchronous endpoint". One policy follows the requests that wait for each instance,
where there is any. From none another one starts the first, when an alarm of CloudWatch sees requests that wait.
"""

from __future__ import annotations

from typing import Any

from aws.clients import aws_errors
from aws.clients import make_client as aws_client
from aws.errors import AwsError, is_missing
from jobs.backends import Place, make_client
from jobs.contract.service_model import check_request
from jobs.contract.serving_requests import VARIANT
from jobs.creating import settle

TRACKING, FROM_NONE = "sageseg-backlog", "sageseg-from-none"
"""Names of the two policies, by which this project's are found."""
WAITING_EACH = 5.0
"""Requests that may wait for each instance before there are more of them; the guide's own value."""
_SECONDS = 300
"""Between two changes of the number of instances."""
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_TARGET, _POLICY, _ALARM = "RegisterScalableTarget", "PutScalingPolicy", "PutMetricAlarm"
_ARN_TO_COME = f"the ARN that AWS gives the policy {FROM_NONE}"
_OPERATIONS = {
    _TARGET: ("application-autoscaling", _TARGET),
    _POLICY: ("application-autoscaling", _POLICY),
    f"{_POLICY} {FROM_NONE}": ("application-autoscaling", _POLICY),
    _ALARM: ("cloudwatch", _ALARM),
}
"""By their names among an endpoint's requests: the service and the operation of each, in the order in which they are
sent."""


def alarm_name(endpoint: str) -> str:
    return f"sageseg-{endpoint}-waits"


def scaling_requests(endpoint: str, most: int, *, alarm: bool) -> dict[str, dict[str, Any]]:
    """What lets an endpoint sleep and wake, checked. The emulator, which has no CloudWatch, needs no `alarm`."""
    where = _where(endpoint)
    dimensions = [{"Name": "EndpointName", "Value": endpoint}]
    tracked = {"MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average"}
    requests: dict[str, dict[str, Any]] = {
        _TARGET: {**where, "MinCapacity": 0, "MaxCapacity": most},
        _POLICY: {
            "PolicyName": TRACKING,
            **where,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": WAITING_EACH,
                "CustomizedMetricSpecification": {**tracked, "Dimensions": dimensions},
                "ScaleInCooldown": _SECONDS,
                "ScaleOutCooldown": _SECONDS,
            },
        },
        f"{_POLICY} {FROM_NONE}": {
            "PolicyName": FROM_NONE,
            **where,
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
                "Cooldown": _SECONDS,
                "MetricAggregationType": "Average",
            },
        },
        _ALARM: {
            "AlarmName": alarm_name(endpoint),
            "AlarmDescription": f"sageseg: requests wait for endpoint {endpoint}, which sleeps",
            "MetricName": "HasBacklogWithoutCapacity",
            "Namespace": "AWS/SageMaker",
            "Statistic": "Average",
            "Dimensions": dimensions,
            "Period": 60,
            "EvaluationPeriods": 2,
            "DatapointsToAlarm": 2,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
            "AlarmActions": [_ARN_TO_COME],
        },
    }
    if not alarm:
        del requests[_ALARM]
    for name, request in requests.items():
        check_request(*_OPERATIONS[name], request)
    return requests


def has_scaling(requests: dict[str, Any]) -> bool:
    """Whether an endpoint's requests let it sleep."""
    return _TARGET in requests


def set_scaling(place: Place, endpoint: str, requests: dict[str, dict[str, Any]]) -> None:
    """Send them. Raises UnknownOutcomeError where an answer was lost, SagesegError where one was refused."""
    scaling = make_client("application-autoscaling", place.backend, place.region)
    what = f"the scaling of endpoint {endpoint}"
    settle(scaling, "register_scalable_target", requests[_TARGET], what)
    settle(scaling, "put_scaling_policy", requests[_POLICY], what)
    policy = settle(scaling, "put_scaling_policy", requests[f"{_POLICY} {FROM_NONE}"], what)
    if _ALARM in requests:
        alarm = {**requests[_ALARM], "AlarmActions": [policy["PolicyARN"]]}
        settle(aws_client("cloudwatch", place.region), "put_metric_alarm", alarm, what)


def remove_scaling(place: Place, endpoint: str) -> bool:
    """Whether there was one. Raises SagesegError."""
    if place.backend == "aws":
        _remove_alarm(alarm_name(endpoint), place.region)
    try:
        with aws_errors(f"deleting the scaling of endpoint {endpoint}"):  # its policies go with it
            make_client("application-autoscaling", place.backend, place.region).deregister_scalable_target(
                **_where(endpoint)
            )
    except AwsError as e:
        if e.code == "ObjectNotFoundException" or is_missing(e):
            return False
        raise
    return True


def _remove_alarm(name: str, region: str) -> None:
    try:
        with aws_errors(f"deleting alarm {name}"):
            aws_client("cloudwatch", region).delete_alarms(AlarmNames=[name])
    except AwsError as e:
        if not is_missing(e):
            raise


def scaled_endpoints(place: Place) -> dict[str, Any]:
    """When each was made, by the endpoints of which this project's policies tell. Raises AwsError."""
    with aws_errors("listing scaling policies"):
        client = make_client("application-autoscaling", place.backend, place.region)
        pages = client.get_paginator("describe_scaling_policies").paginate(ServiceNamespace="sagemaker")
        ours = [p for page in pages for p in page["ScalingPolicies"] if p["PolicyName"] in (TRACKING, FROM_NONE)]
    return {policy["ResourceId"].split("/")[1]: policy["CreationTime"] for policy in ours}


def _where(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
        "ScalableDimension": _DIMENSION,
    }

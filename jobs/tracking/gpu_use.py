"""How busy a job's GPUs were, where CloudWatch has it: SageMaker publishes it each minute for jobs
at AWS (developer guide, Monitor with CloudWatch, namespace /aws/sagemaker/TrainingJobs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aws.clients import aws_errors, make_client
from jobs.contract.log_lines import SERVICE
from jobs.tracking.records import JobRecord

NAMESPACE = f"{SERVICE}/TrainingJobs"
_METRICS = ("GPUUtilization", "GPUMemoryUtilization")
_PERIODS = (60, 300, 3600)
_MOST_POINTS = 1440
"""What GetMetricStatistics answers at most."""


@dataclass(frozen=True)
class GpuUse:
    """Percent. Of an instance with n GPUs the service's percentages go up to n × 100."""

    mean: float
    highest: float


def gpu_use(record: JobRecord, description: Mapping[str, Any]) -> dict[str, GpuUse]:
    """The use of GPUs and of their memory by the metric's name; empty where nothing was published."""
    started = description.get("TrainingStartTime")
    ended = description.get("TrainingEndTime") or description.get("LastModifiedTime")
    if record.backend != "aws" or started is None or ended is None:
        return {}
    client = make_client("cloudwatch", record.region)
    span = (ended - started).total_seconds() + 60
    period = next((seconds for seconds in _PERIODS if span / seconds <= _MOST_POINTS), _PERIODS[-1])
    found = {}
    for metric in _METRICS:
        with aws_errors(f"reading {metric}"):
            answer = client.get_metric_statistics(
                Namespace=NAMESPACE,
                MetricName=metric,
                Dimensions=[{"Name": "Host", "Value": f"{record.name}/algo-1"}],
                StartTime=started - timedelta(seconds=60),
                EndTime=ended + timedelta(seconds=60),
                Period=period,
                Statistics=["Average", "Maximum"],
            )
        points = answer["Datapoints"]
        if points:
            mean = sum(point["Average"] for point in points) / len(points)
            found[metric] = GpuUse(mean, max(point["Maximum"] for point in points))
    return found

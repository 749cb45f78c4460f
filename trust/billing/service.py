"""The AWS of the tries: nothing is waited for, what is there, and how it is left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config

from aws import clients
from tests.support.aws_setup import aws_client
from tests.support.emulator_setup import wait_until
from tests.support.keys import KEYS
from tests.support.made_once import make_once
from tests.support.serving_setup import NAME, Served, served_job

_TRAINS = """
(root / "model" / "weights").write_text("trained")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.25 .")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.5 .")
"""
ENDED = ("Completed", "Succeeded", "Failed", "Stopped")


@contextmanager
def service(process: str) -> Iterator[Served]:
    """With a trained job, whose training ends at once, and processing jobs that run a program."""
    with (
        TemporaryDirectory() as folder,
        _hurried(),
        served_job(Path(folder), train=_TRAINS, process=process) as served,
    ):
        yield served


@contextmanager
def _hurried() -> Iterator[None]:
    """Nothing is waited for, nor made at every call, and a request is sent three times at most."""
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        nap = SimpleNamespace(sleep=lambda _: None)
        patch.setattr("botocore.endpoint.time", nap)
        patch.setattr("jobs.endpoints.invocations.sleep", lambda _: None)
        patch.setattr("jobs.emulator.keys.new_keys", lambda: KEYS)
        patch.setattr("formats.parallel.available_cores", lambda: 1)
        patch.setattr(
            "jobs.training.upload.make_s3_lister", partial(clients.make_client, "s3")
        )  # makes a session of its own
        retries = {"mode": "standard", "max_attempts": 3}
        patch.setattr(clients, "_CONFIG", clients._CONFIG.merge(Config(retries=retries)))
        yield


class Session:
    """In the place of boto3's session, a client of which takes longer to make than several requests."""

    def __init__(self) -> None:
        self._session, self._made = clients._session(), dict[str, Any]()

    def client(self, service: str, **settings: Any) -> Any:
        wanted = f"{service} {settings['region_name']} {settings['config']._user_provided_options}"
        if wanted not in self._made:
            self._made[wanted] = self._session.client(service, **settings)
        return self._made[wanted]


def all_there(served: Served) -> list[tuple[str, str, str]]:
    """Kind, name and status of all that is at the service beside the trained job."""
    sagemaker, scheduler = served.sagemaker(), served.scheduler()
    listed: tuple[tuple[str, str, str, str], ...] = (
        ("training job", "list_training_jobs", "TrainingJobSummaries", "TrainingJob"),
        (
            "tuning job",
            "list_hyper_parameter_tuning_jobs",
            "HyperParameterTuningJobSummaries",
            "HyperParameterTuningJob",
        ),
        ("transform job", "list_transform_jobs", "TransformJobSummaries", "TransformJob"),
        ("processing job", "list_processing_jobs", "ProcessingJobSummaries", "ProcessingJob"),
        ("endpoint", "list_endpoints", "Endpoints", "Endpoint"),
        ("configuration", "list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
        ("model", "list_models", "Models", "Model"),
    )
    found = [
        (kind, str(one[f"{member}Name"]), str(one.get(f"{member}Status", "")))
        for kind, call, where, member in listed
        for one in getattr(sagemaker, call)()[where]
    ]
    found += [("execution", name, status) for name, status in _executions(sagemaker).items()]
    found += [("schedule", str(one["Name"]), "") for one in scheduler.list_schedules()["Schedules"]]
    found += _scaling(served)
    used = {name for kind, name, _ in found if kind == "endpoint"}
    parts = ("configuration", "model", "scaling")
    apart = [(kind, name) for kind, name, _ in found if kind in parts and name in used]
    return [one for one in found if one[1] != NAME or one[0] != "training job" if one[:2] not in apart]


def _scaling(served: Served) -> Iterator[tuple[str, str, str]]:
    """What has endpoints sleep and wake, and outlives them."""
    scaling = aws_client("application-autoscaling", served.emulator_url)
    for policy in scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]:
        yield "scaling", policy["ResourceId"].split("/")[1], ""
    for alarm in aws_client("cloudwatch", served.url).describe_alarms()["MetricAlarms"]:
        yield "scaling", alarm["AlarmName"].removeprefix("sageseg-").removesuffix("-waits"), ""


def await_changes(served: Served) -> None:
    sagemaker = served.sagemaker()
    changing = ("Creating", "Deleting")
    wait_until(lambda: not any(one["EndpointStatus"] in changing for one in sagemaker.list_endpoints()["Endpoints"]))


def settle(served: Served) -> None:
    """Nothing is left but the trained job."""
    sagemaker = served.sagemaker()
    await_changes(served)
    _settle_pipelines(sagemaker)
    served.settle()
    await_changes(served)
    for member, call in (
        ("HyperParameterTuningJob", "hyper_parameter_tuning_job"),
        ("TrainingJob", "training_job"),
        ("TransformJob", "transform_job"),
        ("ProcessingJob", "processing_job"),
    ):
        listing = partial(_others, sagemaker, member, call)
        wait_until(partial(_are_over, listing))
        for name in listing() if member != "TransformJob" else ():
            getattr(sagemaker, f"delete_{call}")(**{f"{member}Name": name})


def _executions(sagemaker: Any) -> dict[str, str]:
    """Status of the executions of all pipelines by their ARNs."""
    return {
        str(one["PipelineExecutionArn"]): str(one["PipelineExecutionStatus"])
        for pipeline in sagemaker.list_pipelines()["PipelineSummaries"]
        for one in sagemaker.list_pipeline_executions(PipelineName=pipeline["PipelineName"])[
            "PipelineExecutionSummaries"
        ]
    }


def _settle_pipelines(sagemaker: Any) -> None:
    for arn, status in _executions(sagemaker).items():
        if status not in ENDED:
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    wait_until(partial(_are_over, partial(_executions, sagemaker)))
    for pipeline in sagemaker.list_pipelines()["PipelineSummaries"]:
        sagemaker.delete_pipeline(PipelineName=pipeline["PipelineName"])


def _others(sagemaker: Any, member: str, call: str) -> dict[str, str]:
    """Status by name of all jobs of a kind but the trained one."""
    found = getattr(sagemaker, f"list_{call}s")()[f"{member}Summaries"]
    return {one[f"{member}Name"]: one[f"{member}Status"] for one in found if one[f"{member}Name"] != NAME}


def _are_over(listing: Callable[[], dict[str, str]]) -> bool:
    return all(status in ENDED for status in listing().values())

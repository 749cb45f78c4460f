"""What tests of the emulator's batch transforms share: a request, the objects it is of, its end, its logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.emulator_setup import create_model, wait_until

TRANSFORM_LOG_GROUP = "/aws/sagemaker/TransformJobs"


def asked(folder: Path, name: str = "batch", **changes: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (folder / "in").as_uri()}}
    return {
        "TransformJobName": name,
        "ModelName": "model",
        "TransformInput": {"DataSource": source, "ContentType": "image/jpeg"},
        "TransformOutput": {"S3OutputPath": (folder / "predicted").as_uri(), "Accept": "image/png"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    } | changes


def fill(folder: Path, **contents: bytes) -> None:
    for name, content in contents.items():
        path = folder / "in" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".jpg").write_bytes(content)


def wait_for_end(sagemaker: Any, name: str = "batch") -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        described: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
        return described

    wait_until(lambda: describe()["TransformJobStatus"] in ("Completed", "Failed", "Stopped"))
    return describe()


def transform(sagemaker: Any, folder: Path, **changes: Any) -> dict[str, Any]:
    create_model(sagemaker, folder)
    sagemaker.create_transform_job(**asked(folder, **changes))
    return wait_for_end(sagemaker)


def transform_streams(logs: Any) -> dict[str, list[str]]:
    """The lines of every log stream of transform jobs, by its name; none before the first container."""
    try:
        names = [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=TRANSFORM_LOG_GROUP)["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return {}
    asked = {"logGroupName": TRANSFORM_LOG_GROUP, "startFromHead": True}
    events = {name: logs.get_log_events(**asked, logStreamName=name)["events"] for name in names}
    return {name: [event["message"] for event in found] for name, found in events.items()}

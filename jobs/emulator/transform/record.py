"""A transform job's record, as DescribeTransformJob answers it, and what its request may hold.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.contract.instances import MOST_TRANSFORM_INSTANCES
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.images import environment_not_emulated
from jobs.emulator.host.storage import Storage
from jobs.emulator.store.collection import ResourceKind, without_tags
from jobs.emulator.store.state import Record

TRANSFORM_JOBS = ResourceKind(
    word="transform-job",
    prefix="TransformJob",
    listed="TransformJobSummaries",
    missing=("ValidationException", "Could not find requested job with name: {name}"),
    taken=(
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    ),
    noun="transform job",
)
MAX_MEMORY_MB = 100
"""MaxConcurrentTransforms × MaxPayloadInMB may not exceed it (API reference)."""
DEFAULT_PAYLOAD_MB, DEFAULT_CONCURRENT = 6, 1


def check_transform_request(request: Record, storage: Storage) -> None:
    """Raise ServiceError or SagesegError for a transform job that cannot be started."""
    for problem in _not_emulated(request):
        raise invalid(f"{problem} is not emulated")
    concurrent, payload = request.get("MaxConcurrentTransforms", 0), request.get("MaxPayloadInMB", 0)
    if (concurrent or 1) * (payload or 1) > MAX_MEMORY_MB:
        raise invalid(f"MaxConcurrentTransforms {concurrent} times MaxPayloadInMB {payload} exceeds {MAX_MEMORY_MB} MB")
    count = request["TransformResources"]["InstanceCount"]
    if count > MOST_TRANSFORM_INSTANCES:
        raise invalid(f"InstanceCount {count} exceeds {MOST_TRANSFORM_INSTANCES}, the most of a transform job")
    storage.check_input(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    storage.check_output(request["TransformOutput"]["S3OutputPath"])


def _not_emulated(request: Record) -> Iterator[str]:
    given, made = request["TransformInput"], request["TransformOutput"]
    kind = given["DataSource"]["S3DataSource"]["S3DataType"]
    if kind != "S3Prefix":
        yield f"S3DataType {kind}"
    for part, name in ((given, "SplitType"), (given, "CompressionType"), (made, "AssembleWith")):
        if part.get(name, "None") != "None":
            yield f"{name} {part[name]}"
    yield from (name for name in ("DataCaptureConfig", "DataProcessing") if request.get(name) and _acts(request[name]))
    yield from environment_not_emulated(request.get("Environment", {}))


def _acts(setting: Record) -> bool:
    """Whether a DataProcessing or DataCaptureConfig asks for more than the defaults."""
    idle = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    return any(idle.get(name) != value for name, value in setting.items())


def new_record(request: Record, arn: str, now: float) -> Record:
    """The record of a job that was just accepted: the request with what the service adds."""
    return {
        "BatchStrategy": "MultiRecord",
        **without_tags(request),
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", **request["TransformOutput"]},
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
        "TransformJobArn": arn,
        "TransformJobStatus": "InProgress",
        "CreationTime": now,
    }


def begin_transform(record: Record, now: float) -> None:
    record["TransformStartTime"] = now

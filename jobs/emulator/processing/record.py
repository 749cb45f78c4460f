"""A processing job's record, as DescribeProcessingJob answers it, and how it changes through its life.

Pure functions: times are epoch seconds and come in as arguments.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from formats.errors import SagesegError
from jobs.contract.statuses import Ended
from jobs.emulator.host.preferences import select
from jobs.emulator.store.collection import ResourceKind, without_tags
from jobs.emulator.store.job_records import end_job
from jobs.emulator.store.state import Record

PROCESSING_JOBS = ResourceKind(
    word="processing-job",
    prefix="ProcessingJob",
    listed="ProcessingJobSummaries",
    missing=("ValidationException", "Could not find requested job with name: {name}"),
    taken=(
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    ),
    noun="processing job",
)
DEFAULT_MAX_RUNTIME_SECONDS = 86_400
MAX_MESSAGE = 1024
"""Bytes of an ExitMessage, and of the file of each container that are read (developer guide)."""
_INPUT = {"AppManaged": False}
_S3_INPUT = {"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated", "S3CompressionType": "None"}


def new_record(request: Record, arn: str, now: float) -> Record:
    """The record of a job that was just accepted: the request with what the service adds."""
    record = {
        **without_tags(request),
        "ProcessingInputs": [
            {**_INPUT, **each, "S3Input": {**_S3_INPUT, **each["S3Input"]}}
            for each in request.get("ProcessingInputs", [])
        ],
        "StoppingCondition": request.get("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_SECONDS}),
        "ProcessingJobArn": arn,
        "ProcessingJobStatus": "InProgress",
        "CreationTime": now,
    }
    record["ProcessingResources"] = {"ClusterConfig": {"InstanceCount": 1, **cluster_of(request)}}
    return record


def cluster_of(record: Record) -> Record:
    """What the job of a record or request runs on."""
    cluster: Record = record["ProcessingResources"]["ClusterConfig"]
    return cluster


def inputs_of(record: Record) -> list[Record]:
    """The S3 inputs of a record, with their defaults."""
    return [each["S3Input"] for each in record["ProcessingInputs"]]


def outputs_of(record: Record) -> list[Record]:
    """The S3 outputs of a record or request."""
    return [each["S3Output"] for each in record.get("ProcessingOutputConfig", {}).get("Outputs", [])]


def begin_processing(record: Record, instance_type: str, now: float) -> None:
    """The instances have started."""
    record["ProcessingStartTime"] = now
    select(cluster_of(record), instance_type)


def finish(record: Record, ending: Ended, now: float, reason: str, messages: Mapping[str, bytes]) -> None:
    """End a job with what its containers left as messages, by host: one that cannot be read fails a job that would
    have completed."""
    message = ""
    try:
        message = exit_message(messages)
    except SagesegError as e:
        if ending == "Completed":
            ending, reason = "Failed", f"ClientError: {e}"
    end_job(record, PROCESSING_JOBS, ending, reason)
    record["ProcessingEndTime"] = now
    if message:
        record["ExitMessage"] = message


def exit_message(messages: Mapping[str, bytes]) -> str:
    """The first KB of all messages, one behind the other. Raises SagesegError for one that is not UTF-8."""
    text = "".join(_message(host, content) for host, content in messages.items())
    return text.encode()[:MAX_MESSAGE].decode("utf-8", "ignore")


def _message(host: str, content: bytes) -> str:
    """A letter that the limit cuts is left out."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content[:MAX_MESSAGE], final=len(content) <= MAX_MESSAGE)
    except UnicodeDecodeError as e:
        raise SagesegError(f"/opt/ml/output/message of {host} is not UTF-8 ({e.reason} at byte {e.start})") from e

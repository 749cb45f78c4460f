"""Processing jobs as `jobs show` and `jobs logs` tell of them."""

from __future__ import annotations

from aws.clients import aws_errors
from formats.console import result, result_json, say
from formats.errors import SagesegError
from jobs.contract.file_uris import for_people
from jobs.cost.quotes import count_instances
from jobs.tracking.course import moment
from jobs.tracking.hosts.found import FoundProcessing


def show_processing(found: FoundProcessing, *, as_json: bool) -> None:
    """Print a processing job's status, times, instances and place; as JSON its whole description."""
    told = found.description
    if as_json:
        result_json(told)
        return
    cluster = told["ProcessingResources"]["ClusterConfig"]
    outputs = told.get("ProcessingOutputConfig", {}).get("Outputs", [])
    headlines = {
        "status": found.status,
        "reason": told.get("ExitMessage") or told.get("FailureReason"),
        "instances": count_instances(cluster["InstanceCount"], cluster.get("InstanceType", "")),
        "created": moment(told["CreationTime"]),
        "started": moment(told.get("ProcessingStartTime")),
        "ended": moment(told.get("ProcessingEndTime")),
        "shards": ", ".join(for_people(one["S3Output"]["S3Uri"]) for one in outputs if "S3Output" in one),
    }
    for key, value in headlines.items():
        if value:
            result(f"{key:15} {value}")


def show_host_logs(found: FoundProcessing, *, follow: bool) -> None:
    """Print the log of a processing job, each line behind its host."""
    if follow:
        raise SagesegError(f"{found.name}: a processing job; the command that started it follows it, typed again")
    with aws_errors(f"reading the log of {found.name}"):
        lines = [f"{stream.rpartition('/')[2].rpartition('-')[0]}: {line}" for stream, line in found.log().new_events()]
    for line in lines:
        result(line)
    if not lines:
        say(f"{found.name}: {found.status}, and nothing in its log")

"""Processing jobs as `jobs show` and `jobs logs` tell of them."""

from __future__ import annotations

from aws.clients import aws_errors
from formats.console import result, result_json, say
from jobs.contract.file_uris import for_people
from jobs.contract.instances import describe_instance
from jobs.cost.quotes import count_instances
from jobs.creating import PROCESSING
from jobs.tracking.course import moment
from jobs.tracking.hosts.follow import follow_processing, host_of, told_end
from jobs.tracking.hosts.found import FoundProcessing
from jobs.tracking.hosts.spent import spent_on


def show_processing(found: FoundProcessing, *, as_json: bool) -> None:
    """Print a processing job's status, times, instances, cost and place; as JSON its whole description."""
    told = found.description
    if as_json:
        result_json(told)
        return
    cluster = told["ProcessingResources"]["ClusterConfig"]
    outputs = told.get("ProcessingOutputConfig", {}).get("Outputs", [])
    spent = spent_on(told, found.place)
    headlines = {
        "status": found.status,
        "reason": "; ".join(told.get("ExitMessage", "").splitlines()) or told.get("FailureReason"),
        "instances": count_instances(cluster["InstanceCount"], describe_instance(cluster)),
        "created": moment(told["CreationTime"]),
        "started": moment(told.get("ProcessingStartTime")),
        "ended": moment(told.get("ProcessingEndTime")),
        "cost": spent and f"${spent[0]:.2f} ({spent[1]})",
        "shards": ", ".join(for_people(one["S3Output"]["S3Uri"]) for one in outputs if "S3Output" in one),
    }
    for key, value in headlines.items():
        if value:
            result(f"{key:15} {value}")


def show_host_logs(found: FoundProcessing) -> None:
    """Print the log of a processing job, each line behind its host."""
    with aws_errors(f"reading the log of {found.name}"):
        lines = [f"{host_of(stream)}: {line}" for stream, line in found.log().new_events()]
    for line in lines:
        result(line)
    if not lines:
        say(f"{found.name}: {found.status}, and nothing in its log")


def follow_hosts(found: FoundProcessing) -> None:
    """Show progress until a processing job has ended. Raises SagesegError where it did not end well."""
    try:
        description = follow_processing(found.place, found.name)
    except KeyboardInterrupt:
        say(
            f"{found.name} goes on; sageseg jobs logs {found.name} --follow watches it again, "
            f"{PROCESSING.ends.format(found.name)} ends it"
        )
        raise
    if description["ProcessingJobStatus"] != "Completed":
        raise told_end(found.name, description, "the line that started it, typed again, makes what is missing")
    result(f"{found.name}: {description['ProcessingJobStatus']}")

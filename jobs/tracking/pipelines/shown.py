"""What has no record, as `jobs show` and `jobs logs` tell of it: pipelines, and processing jobs."""

from __future__ import annotations

from formats.console import result, result_json
from formats.errors import SagesegError
from jobs.tracking.course import moment
from jobs.tracking.hosts.found import FoundProcessing
from jobs.tracking.hosts.shown import follow_hosts, show_host_logs, show_processing
from jobs.tracking.pipelines.found import FoundPipeline, describe_step, steps_of


def show_unrecorded(found: FoundProcessing | FoundPipeline, *, as_json: bool) -> None:
    """Print its status, times, and what it consists of; as JSON all of it."""
    if isinstance(found, FoundProcessing):
        show_processing(found, as_json=as_json)
    else:
        _show_pipeline(found, as_json=as_json)


def show_unrecorded_logs(found: FoundProcessing | FoundPipeline, *, follow: bool) -> None:
    """Print the log of a processing job, or follow it. Raises SagesegError for a pipeline, which has none."""
    if isinstance(found, FoundProcessing):
        (follow_hosts if follow else show_host_logs)(found)
        return
    verb = "typed again, the command that started it follows it" if follow else "each of its jobs has a log of its own"
    raise SagesegError(f"{found.name}: a pipeline; {verb}: sageseg jobs show {found.name} --json names its jobs")


def _show_pipeline(found: FoundPipeline, *, as_json: bool) -> None:
    """Its latest execution, step by step."""
    told = found.execution or {}
    steps = steps_of(found.place, told["PipelineExecutionArn"]) if told else []
    if as_json:
        result_json({"pipeline": found.description, "execution": found.execution, "steps": steps})
        return
    headlines = {
        "status": found.status,
        "execution": told.get("PipelineExecutionArn"),
        "started": moment(told.get("StartTime")),
        "reason": told.get("PipelineExecutionFailureReason"),
        **{step["StepName"]: describe_step(step) for step in steps},
    }
    for key, value in headlines.items():
        if value:
            result(f"{key:15} {value}")

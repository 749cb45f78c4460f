"""Following a tuning job: its training jobs as they end, the best so far, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from time import time
from typing import Any

from aws.errors import next_step
from formats.console import open_screen, say
from jobs.contract.instances import describe_instance
from jobs.contract.statuses import ENDED
from jobs.cost.estimates import THIS_MACHINE
from jobs.cost.spent import usd_of, usd_so_far
from jobs.tracking.failures import console_link, find_cure, show_last_lines
from jobs.tracking.job_calls import (
    JobFailedError,
    describe,
    log_lines,
    pause,
    training_jobs_of,
)
from jobs.tracking.records import JobRecord, write_record
from jobs.tracking.tuning_ranking import TunedJob, best, describe_counts, describe_job
from jobs.tracking.tuning_records import BEST, bare_record, billed_seconds, most_jobs, objective_of


def follow_tuning(record: JobRecord) -> JobRecord:
    """Show on stderr each training job that ends, and how far it all is, until the tuning job has
    ended; returns the record with its end and cost.

    Raises JobFailedError when it did not complete or no training job succeeded. Ctrl-C is the caller's.
    """
    shown: set[str] = set()
    objective, most = objective_of(record), most_jobs(record)
    with open_screen() as screen:
        while True:
            description = describe(record)
            jobs = training_jobs_of(record)
            for job in jobs:
                if job.is_over and job.name not in shown:
                    screen.line(describe_job(job, objective))
                    shown.add(job.name)
            status = description["HyperParameterTuningJobStatus"]
            usd = search_usd_so_far(record, jobs, time())
            screen.live(describe_search(status, jobs, most, objective, usd))
            if status in ENDED:
                break
            pause(record)
    record = finished_tuning(record, description, jobs)
    write_record(record)
    _check_completed(record, jobs)
    return record


def describe_search(status: str, jobs: Sequence[TunedJob], most: int, objective: str, usd: float | None) -> str:
    """The live line: status, jobs done, running and failed, money so far, the best. What a narrow terminal
    cuts off comes last."""
    first = best(jobs)
    parts = [
        status,
        describe_counts(jobs, most),
        f"${usd:.2f} so far" if usd is not None else "",
        f"best {objective} {first.objective:.4f} ({first.name})" if first else "",
    ]
    return "  ".join(part for part in parts if part)


def search_usd_so_far(record: JobRecord, jobs: Iterable[TunedJob], now: float) -> float | None:
    """Dollars for all machines since each was started; `now` in seconds since 1970."""
    return usd_so_far([(job.started, job.ended) for job in jobs], record.cost.get("usd_per_hour"), now)


def finished_tuning(record: JobRecord, description: dict[str, Any], jobs: Sequence[TunedJob]) -> JobRecord:
    """The record with the tuning job's end: description, and what its training jobs cost together."""
    cost = dict(record.cost)
    if cost:
        cost["actual_usd"] = _billed_usd(record, jobs)
    return replace(record, description=description, cost=cost)


def _billed_usd(record: JobRecord, jobs: Iterable[TunedJob]) -> float | None:
    """What the training jobs cost together; the seconds are asked for only where there is a price."""
    rate = record.cost.get("usd_per_hour")
    return None if rate is None else usd_of(billed_seconds(record, jobs), rate)


def _check_completed(record: JobRecord, jobs: Sequence[TunedJob]) -> None:
    status, reason = record.description["HyperParameterTuningJobStatus"], record.description.get("FailureReason", "")
    if status == "Completed" and best(jobs):
        return
    said = f"{record.name}: {status}: {reason.rstrip('.') or describe_counts(jobs, most_jobs(record))}"
    if best(jobs):
        quota = "; lower --parallel, or ask for more under Service Quotas" if "ResourceLimitExceeded" in reason else ""
        raise JobFailedError(
            f"{said}{quota}; sageseg jobs show {record.name} ranks the jobs there are, {record.name}{BEST} is the best",
            "",
        )
    failed = next((job for job in jobs if job.status == "Failed"), None)
    if failed is None:
        step = next_step("", reason) or f"sageseg jobs show {record.name} lists its training jobs"
        raise JobFailedError(f"{said}; {step}", reason)
    step = _explain(bare_record(failed.name, record)) or f"sageseg jobs logs {failed.name} shows its log"
    raise JobFailedError(f"{said}; {failed.name}: {failed.reason.rstrip('.')}; {step}", f"{reason} {failed.reason}")


def _explain(failed: JobRecord) -> str:
    """Show the end of a failed training job's log; returns the cure, where one is known."""
    lines = list(log_lines(failed))
    show_last_lines(failed.name, lines)
    if failed.backend == "aws":
        say(console_link(failed.name, failed.region))
    return find_cure(describe(failed), lines, local=failed.backend == "local")


def tuning_headlines(record: JobRecord, description: Mapping[str, Any], jobs: Sequence[TunedJob]) -> dict[str, Any]:
    """What `show` says of a tuning job above the ranking; what is not known is left out."""
    config = description["HyperParameterTuningJobConfig"]
    lines = {
        "name": record.name,
        "status": description["HyperParameterTuningJobStatus"],
        "reason": description.get("FailureReason"),
        "jobs": describe_counts(jobs, most_jobs(record)),
        "objective": objective_of(record),
        "strategy": config["Strategy"],
        "instance": THIS_MACHINE
        if record.backend == "local"
        else describe_instance(description["TrainingJobDefinition"]["ResourceConfig"]),
        "started": description.get("CreationTime"),
        "ended": description.get("HyperParameterTuningEndTime"),
        "cost": _describe_cost(record, description["HyperParameterTuningJobStatus"], jobs),
        "dataset": record.dataset_sha256[:16] or None,
        "git commit": record.git_commit or None,
    }
    return {key: value for key, value in lines.items() if value is not None}


def _describe_cost(record: JobRecord, status: str, jobs: Sequence[TunedJob]) -> str | None:
    """What it has cost, and from where the rate is; None where no price is known."""
    rate, usd, running = record.cost.get("usd_per_hour"), record.cost.get("actual_usd"), status not in ENDED
    if rate is None:
        return None
    if running:
        usd = search_usd_so_far(record, jobs, time())
    elif usd is None:  # nobody followed it to its end
        usd = _billed_usd(record, jobs)
    return f"${usd:.2f}{' so far' if running else ''} ({record.cost.get('source')})"

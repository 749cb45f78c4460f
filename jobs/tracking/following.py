"""Following a job at a terminal: Ctrl-C leaves it or stops it, its end is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formats.console import ask, result, result_json, say

if TYPE_CHECKING:
    from jobs.tracking.follow_training import Seen
    from jobs.tracking.records import JobRecord
    from jobs.tracking.tuning_ranking import TunedJob


def say_cost(record: JobRecord) -> None:
    if record.cost.get("actual_usd") is not None:
        say(f"it cost ${record.cost['actual_usd']:.2f}")


def follow_or_leave(record: JobRecord, seen: Seen | None = None) -> JobRecord:
    """Follow a job; Ctrl-C asks whether to stop it or to leave it running. Of a training job `seen` hears of each
    epoch."""
    from aws.clients import NetworkError
    from formats.errors import SagesegError
    from jobs.tracking.find_jobs import publish_record
    from jobs.tracking.follow_training import follow
    from jobs.tracking.follow_tuning import follow_tuning
    from jobs.tracking.job_calls import JobFailedError

    try:
        record = follow_tuning(record) if record.is_tuning else follow(record, seen)
    except KeyboardInterrupt:
        settle_interrupted(record)
        raise
    except JobFailedError:
        raise
    except NetworkError as e:  # the same command again might start another job
        say(_after_failed_watching(record))
        if record.backend == "local":
            raise SagesegError(e.what) from e
        raise SagesegError(f"{e.what}; check the network; sageseg jobs logs {record.name} --follow goes on") from e
    except SagesegError:
        say(_after_failed_watching(record))
        raise
    publish_record(record)
    return record


def settle_interrupted(record: JobRecord) -> None:
    """A job outlives the command that follows it, unless the person says otherwise."""
    from jobs.tracking.job_calls import stop_job

    if ask(f"{record.name} is running: s stops it; Enter, or anything else, leaves it running") in ("s", "stop"):
        stop_job(record)
        say(f"{record.name}: stopping")
    else:
        say(goes_on(record))


def _after_failed_watching(record: JobRecord) -> str:
    """Only the watching failed, unless the emulator itself is gone: it takes its jobs along."""
    from jobs.backends import emulator_lives

    if record.backend == "aws" or emulator_lives():
        return goes_on(record)
    return (
        f"the emulator is gone, and {record.name} with it; sageseg jobs show {record.name} starts the emulator again, "
        "which settles what was running, and tells how it ended"
    )


def goes_on(record: JobRecord) -> str:
    """How a job that nobody follows any more is watched again and ended."""
    return (
        f"{record.name} goes on; sageseg jobs logs {record.name} --follow watches it again, "
        f"sageseg jobs stop {record.name} ends it"
    )


def show_ranking(record: JobRecord, jobs: list[TunedJob], *, as_json: bool = False) -> None:
    """The training jobs of a tuning job on stdout, the best first."""
    from jobs.tracking.tuning_ranking import ranking_rows, ranking_table
    from jobs.tracking.tuning_records import objective_of

    if as_json:
        result_json(ranking_rows(jobs))
        return
    for line in ranking_table(jobs, objective_of(record)):
        result(line)

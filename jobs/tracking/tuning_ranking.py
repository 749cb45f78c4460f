"""The training jobs of a tuning job, the best first: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from formats.texts.wording import format_columns
from jobs.contract.hyperparameters import without_the_services
from jobs.contract.statuses import ENDED, RUNNING

_UNDEFINED = "–"


@dataclass(frozen=True)
class TunedJob:
    """One training job of a search. `objective` is None until it has ended well; `values` are the
    hyperparameters that were chosen for it, as the service writes them."""

    name: str
    status: str
    values: Mapping[str, str]
    objective: float | None = None
    reason: str = ""
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ENDED


def tuned_job(summary: Mapping[str, Any]) -> TunedJob:
    """A job as ListTrainingJobsForHyperParameterTuningJob tells of it. What the service adds to its
    values, with an underscore in front, is left out."""
    metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    return TunedJob(
        summary["TrainingJobName"],
        summary["TrainingJobStatus"],
        without_the_services(summary["TunedHyperParameters"]),
        _number(None if metric is None else metric["Value"]),
        summary.get("FailureReason", ""),
        summary.get("TrainingStartTime"),
        summary.get("TrainingEndTime"),
    )


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def rank(jobs: Iterable[TunedJob]) -> list[TunedJob]:
    """The highest objective first; jobs without one last, by name."""
    return sorted(jobs, key=lambda job: (job.objective is None, -(job.objective or 0.0), job.name))


def best(jobs: Iterable[TunedJob]) -> TunedJob | None:
    """The job with the highest objective, None before there is one."""
    first = next(iter(rank(jobs)), None)
    return None if first is None or first.objective is None else first


def count(jobs: Iterable[TunedJob], *statuses: str) -> int:
    return sum(job.status in statuses for job in jobs)


def describe_counts(jobs: Sequence[TunedJob], most: int) -> str:
    """`3 of 10 jobs done, 2 running, 1 failed`; of what there is none, nothing is said."""
    others = {"running": RUNNING, "failed": ("Failed",), "stopped": ("Stopped",)}
    counts = {word: count(jobs, *statuses) for word, statuses in others.items()}
    parts = [f"{found} {word}" for word, found in counts.items() if found]
    return ", ".join([f"{count(jobs, 'Completed')} of {most} jobs done", *parts])


def describe_job(job: TunedJob, objective: str) -> str:
    """A job that has ended, in a line."""
    values = [f"{name} {_short(value)}" for name, value in job.values.items()]
    score = [] if job.objective is None else [f"{objective} {job.objective:.4f}"]
    reason = [job.reason.rstrip(".")] if job.reason else []
    return "  ".join([f"{job.name}: {job.status}", *score, *values, *reason])


def ranking_rows(jobs: Iterable[TunedJob]) -> list[dict[str, Any]]:
    """The ranking as JSON: whole values; rank and objective are None where there is no objective."""
    return [
        {
            "rank": None if job.objective is None else number,
            "job": job.name,
            "objective": job.objective,
            "status": job.status,
            "hyperparameters": dict(job.values),
        }
        for number, job in enumerate(rank(jobs), start=1)
    ]


def ranking_table(jobs: Iterable[TunedJob], objective: str) -> list[str]:
    """The ranking as lines of a table: rank, job, objective, status, the tuned values."""
    rows = ranking_rows(jobs)
    names = list(dict.fromkeys(name for row in rows for name in row["hyperparameters"]))
    cells = [["rank", "job", objective, "status", *names]]
    for row in rows:
        score = _UNDEFINED if row["objective"] is None else f"{row['objective']:.4f}"
        values = [_short(row["hyperparameters"].get(name, _UNDEFINED)) for name in names]
        cells.append([str(row["rank"] or _UNDEFINED), row["job"], score, row["status"], *values])
    return format_columns(cells)


def _short(value: str) -> str:
    """A number to four digits, any other text as it is."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value

"""Which of AWS's errors a pipeline's steps are tried again for, and how long an earlier run of a step counts in place
of a new one.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html, …/pipelines-caching.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any

from formats.errors import SagesegError

if TYPE_CHECKING:
    from jobs.pipelines.steps import Step

ERRORS = {
    "capacity": "SageMaker.CAPACITY_ERROR",
    "limit": "SageMaker.RESOURCE_LIMIT",
    "internal": "SageMaker.JOB_INTERNAL_ERROR",
}
"""By our words what the service calls them. What throttles and fails in a call, it tries again by itself."""
MOST_TIMES = 20
"""Of MaxAttempts."""
_JOBS = ("Processing", "Training", "Tuning", "Transform")
_TAKEN_OVER = ("Processing", "Training", "Tuning")
"""Steps of which an earlier run may count: a Transform's model has another name in each execution."""
READS = "SAGESEG_READS"
"""The variable of a container by which steps that read other content are not alike."""


@dataclass(frozen=True)
class Again:
    """How many times a step is tried again after an error: no instance of the type was to be had, the account's quota
    is in use, or AWS failed while the job ran, for which alone time may have been paid."""

    capacity: int = 0
    limit: int = 0
    internal: int = 0

    def __str__(self) -> str:
        return ",".join(f"{name}={times}" for name, times in vars(self).items() if times) or "none"


@dataclass(frozen=True)
class Pause:
    """Seconds before the first new attempt, and how many times as long as the one before each later pause is."""

    seconds: int
    rate: float

    def __str__(self) -> str:
        return f"{self.seconds}x{self.rate:g}"

    def days(self, times: int) -> float:
        """How long so many new attempts wait in all."""
        return sum(self.seconds * self.rate**attempt for attempt in range(times)) / 86400


PAUSE = Pause(60, 2)
_MOST_DAYS = 7
"""A limit of ours: a longer wait is one that nobody remembers."""


def check_waits(again: Again, pause: Pause) -> None:
    """Raise SagesegError where new attempts of one step wait for weeks, as pauses that grow soon do."""
    days = max(map(pause.days, vars(again).values()))
    if days > _MOST_DAYS:
        raise SagesegError(
            f"--again {again} with --pause {pause}: its pauses are {ceil(days):,} days in all; expected "
            f"{_MOST_DAYS} at the most, by fewer times or by pauses that grow less"
        )


@dataclass(frozen=True)
class Policies:
    """`cache` is an ISO 8601 duration, empty where every step is run in each execution. `states` are by steps the
    states of what their words and inputs name, so that other content is not taken for the same."""

    again: Again = Again()
    pause: Pause = PAUSE
    cache: str = ""
    states: Mapping[str, str] = field(default_factory=dict)


NO_POLICIES = Policies()
"""Each step is run once, whatever becomes of it."""


def with_policies(steps: Sequence[Step], policies: Policies) -> Iterator[Step]:
    """The steps of a definition, each with what is to be done when it fails, and whether an earlier run counts."""
    new = new_each_time(steps)
    for step in steps:
        also: dict[str, Any] = {}
        if retries := _retries(step, policies):
            also["RetryPolicies"] = retries
        if policies.cache and step["Type"] in _TAKEN_OVER and step["Name"] not in new:
            also["CacheConfig"] = {"Enabled": True, "ExpireAfter": policies.cache}
        if policies.cache and (state := policies.states.get(step["Name"])):
            also["Arguments"] = {**step["Arguments"], "Environment": {READS: state}}
        yield {**step, **also}


def _retries(step: Step, policies: Policies) -> list[dict[str, Any]]:
    if step["Type"] not in _JOBS:
        return []
    times = {name: count for name, count in vars(policies.again).items() if count}
    if step["Type"] == "Tuning":  # its training jobs are tried again by the tuning itself, whatever a policy says
        times.pop("internal", None)
    return [
        {
            "ExceptionType": [ERRORS[name]],
            "IntervalSeconds": policies.pause.seconds,
            "BackoffRate": policies.pause.rate,
            "MaxAttempts": count,
        }
        for name, count in times.items()
    ]


def new_each_time(steps: Sequence[Step]) -> list[str]:
    """The names of the jobs of which no earlier run counts: the first that is told something of its execution alone,
    and all that read what came of it."""
    jobs = [step for step in steps if step["Type"] in _JOBS]
    first = next((at for at, step in enumerate(jobs) if _why_new(step)), len(jobs))
    return [step["Name"] for step in jobs[first:]]


def _why_new(step: Step) -> str:
    """Empty where an earlier run may count."""
    if step["Type"] == "Transform":
        return "its model is called otherwise in each"
    if step["Type"] == "Training" and "CheckpointConfig" in step["Arguments"]:
        return "with spot its checkpoints lie in the execution's own folder"
    return ""


def cache_notes(steps: Sequence[Step], dataset: str) -> Iterator[str]:
    """What the author of a pipeline should know of earlier runs that count; `dataset` is the one that is given."""
    for name in new_each_time(steps)[:1]:
        why = _why_new(next(step for step in steps if step["Name"] == name))
        yield f"note: --cache: {name} and what follows it are done in each execution anew, because {why}"
    if dataset:
        yield (
            f"note: --cache: whether {dataset} holds another dataset than before is not looked at; give another one "
            "another name"
        )

"""Whether an endpoint has a container or sleeps: pure functions of what runs, waits and was told of scaling."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.emulator.endpoints.record import Deployment


@dataclass(frozen=True)
class Scaling:
    """What Application Auto Scaling was told of a variant: the fewest instances; of the policy that follows the backlog
    how many requests may wait for each instance, None without one; whether another starts the first instance."""

    fewest: int
    waiting_each: float | None
    from_none: bool


@dataclass(frozen=True)
class Now:
    """How things stand: whether there is a container, how many requests wait or are worked on, and whether nothing was
    asked for so long that it may sleep."""

    awake: bool
    waiting: int
    quiet: bool


def can_sleep(deployment: Deployment) -> bool:
    return deployment.serverless is not None or deployment.answers is not None


def is_wanted(deployment: Deployment, scaling: Scaling | None, now: Now) -> bool:
    """Whether there is to be a container. At most one stands for all instances."""
    if deployment.serverless is not None:
        return now.waiting > 0 or (now.awake and not now.quiet)
    if deployment.answers is None:
        return True
    if scaling is None:
        return now.awake
    return scaling.fewest > 0 or (_stays(scaling, now) if now.awake else _wakes(scaling, now))


def _stays(scaling: Scaling, now: Now) -> bool:
    return now.waiting > 0 or not now.quiet or scaling.waiting_each is None


def _wakes(scaling: Scaling, now: Now) -> bool:
    most = 0 if scaling.from_none else scaling.waiting_each
    return most is not None and now.waiting > most

"""RetryPolicies of a step: which failures are tried again, how often, and after what pause.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.emulator.pipelines.expressions import unparsable

_EXCEPTIONS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
_MEMBERS = {"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"}
_MOST_SECONDS, _MOST_ATTEMPTS, _MOST_MINUTES = 43_200, 20, 14_400


@dataclass(frozen=True)
class RetryPolicy:
    """Seconds before the first new attempt, by how much each later pause is longer, and when to give up."""

    exceptions: Sequence[str]
    seconds: float = 1.0
    backoff: float = 2.0
    attempts: int | None = None
    minutes: float | None = None

    def pause(self, retried: int, seconds_spent: float) -> float | None:
        """Seconds before the next attempt, after so many new ones; None to give up."""
        if self.attempts is not None and retried >= self.attempts:
            return None
        if self.minutes is not None and seconds_spent >= 60 * self.minutes:
            return None
        return self.seconds * self.backoff**retried


_THROTTLED = RetryPolicy(("Step.THROTTLING", "Step.SERVICE_FAULT"), attempts=5)
"""Tried again without a policy too; how often is documented nowhere."""


def parse_retries(declared: Any, where: str) -> tuple[RetryPolicy, ...]:
    """A step's policies. Raises ServiceError."""
    if not isinstance(declared, list):
        raise unparsable(f"{where}: RetryPolicies is {type(declared).__name__}; expected a list")
    policies = tuple(_parse(each, f"{where}: RetryPolicies") for each in declared)
    named = [name for policy in policies for name in policy.exceptions]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise unparsable(f"{where}: RetryPolicies name {twice[0]} twice")
    return policies


def _parse(policy: Any, where: str) -> RetryPolicy:
    if not isinstance(policy, Mapping) or not policy.keys() <= _MEMBERS:
        raise unparsable(f"{where}: {policy!r}; expected the members {', '.join(sorted(_MEMBERS))}")
    exceptions = policy.get("ExceptionType")
    if not isinstance(exceptions, list) or not exceptions or any(name not in _EXCEPTIONS for name in exceptions):
        raise unparsable(f"{where}: ExceptionType {exceptions!r}; expected a list of {', '.join(_EXCEPTIONS)}")
    seconds, backoff = policy.get("IntervalSeconds", 1), policy.get("BackoffRate", 2.0)
    attempts, minutes = policy.get("MaxAttempts"), policy.get("ExpireAfterMin")
    if (attempts is None) == (minutes is None):
        raise unparsable(f"{where}: expected one of MaxAttempts and ExpireAfterMin")
    for name, value, most in (
        ("IntervalSeconds", seconds, _MOST_SECONDS),
        ("BackoffRate", backoff, None),
        ("MaxAttempts", attempts, _MOST_ATTEMPTS),
        ("ExpireAfterMin", minutes, _MOST_MINUTES),
    ):
        if value is not None and not _is_within(value, most):
            limit = "" if most is None else f" up to {most}"
            raise unparsable(f"{where}: {name} {value!r}; expected a number that is not negative{limit}")
    return RetryPolicy(tuple(exceptions), seconds, backoff, attempts, minutes)


def _is_within(value: Any, most: float | None) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and value >= 0 and (most is None or value <= most)


def policy_for(policies: Sequence[RetryPolicy], exception: str | None) -> RetryPolicy | None:
    """What is to be done after a failure of this kind; None to leave it at that."""
    for policy in (*policies, _THROTTLED):
        if exception in policy.exceptions:
            return policy
    return None


def exception_of_call(code: str) -> str | None:
    """The kind of a refusal by its code."""
    if code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    if code == "ThrottlingException":
        return "Step.THROTTLING"
    return "Step.SERVICE_FAULT" if code == "InternalFailure" else None


def exception_of_job(reason: str, step_type: str) -> str | None:
    """The kind of a job's failure by its FailureReason. A tuning tries jobs again itself after errors within, and no
    policy does."""
    if reason.startswith("CapacityError"):
        return "SageMaker.CAPACITY_ERROR"
    is_internal = reason.startswith("InternalServerError") and step_type != "Tuning"
    return "SageMaker.JOB_INTERNAL_ERROR" if is_internal else None

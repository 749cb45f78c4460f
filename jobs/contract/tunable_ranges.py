"""What a tuning job may vary, and over which range."""

from __future__ import annotations

from formats.errors import SagesegError
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import KINDS, TABLE, TUNABLE, limits_of


def documented_range(name: str) -> Tunable:
    if name not in TABLE:
        raise SagesegError(f"--range {name}: no such hyperparameter; expected one of {', '.join(TUNABLE)}")
    limits = limits_of(name)
    if limits.tunable is None:
        reason = limits.untunable or "not tunable"
        raise SagesegError(f"--range {name}: {reason}; expected one of {', '.join(TUNABLE)}")
    return limits.tunable


def check_range(name: str, tunable: Tunable) -> None:
    """Raise SagesegError unless a tuning job may vary this hyperparameter over this range."""
    documented = documented_range(name)
    if not documented.choices:
        _check_bounds(name, tunable)
        return
    allowed = limits_of(name).choices
    wrong = [choice for choice in tunable.choices if choice not in allowed]
    if wrong or len(tunable.choices) < 2:
        shown = f"={','.join(tunable.choices)}" if tunable.choices else ""
        raise SagesegError(f"--range {name}{shown}: expected two or more values from {', '.join(allowed)}")


def _check_bounds(name: str, tunable: Tunable) -> None:
    limits, bounds = limits_of(name), (tunable.low, tunable.high)
    whole = KINDS[name] is not int or all(bound.is_integer() for bound in map(float, bounds))
    if not (whole and all(map(limits.accepts, bounds)) and tunable.low < tunable.high):
        noun = "whole numbers" if KINDS[name] is int else "numbers"
        raise SagesegError(
            f"--range {name}={format_bounds(tunable)}: expected two {noun} {limits.describe_range()}, the smaller first"
        )


def format_bounds(tunable: Tunable) -> str:
    return f"{tunable.low:g}:{tunable.high:g}"

"""What one part of the trial tried, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One line of the trial's table: `what` was tried, how often, every fault that was seen in words that let one
    repeat it, how long it took, and what was measured besides (`p99 of describe 12 ms`)."""

    what: str
    tried: int
    faults: tuple[str, ...]
    seconds: float
    measured: str = ""

"""What the doctor found, one line a subject, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from formats.errors import SagesegError

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """One subject: `told` is how it is, `cure` the command or the step that mends it. A note is no hindrance to what
    was asked for, a fault is."""

    state: State
    subject: str
    told: str
    cure: str = ""


def refused(state: State, subject: str, error: SagesegError) -> Finding:
    """What a failure says: its last part is the next step."""
    told, _, cure = str(error).rpartition("; ")
    return Finding(state, subject, told or cure, cure if told else "")


def lines_of(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each finding, and below it its cure."""
    for finding in findings:
        yield f"{finding.state:6}{finding.subject:22}{finding.told}"
        if finding.cure:
            yield f"{'':28}→ {finding.cure}"

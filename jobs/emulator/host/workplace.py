"""What everything that runs needs: where it lies, what runs it, what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jobs.emulator.host.container import Programs
from jobs.emulator.host.rehearsal import Rehearsal
from jobs.emulator.host.storage import Storage
from jobs.emulator.store.state import State

INTERRUPTED = "InternalServerError: the emulator ended while the job was running"
BUG = "InternalServerError: the emulator failed; see its server.log"
CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


@dataclass(frozen=True)
class Workplace:
    """`folder` holds the state and all runs' folders; `grace_seconds` is what SIGTERM may take."""

    folder: Path
    state: State
    storage: Storage
    rehearsal: Rehearsal
    programs: Programs
    grace_seconds: float

"""The attempts of one training job: managed spot begins anew wherever an instance is reclaimed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.emulator.host.rehearsal import TrainingTrouble

_STEP = re.compile(r"#progress_(notice|metric)\b")


@dataclass
class Attempts:
    """What a job's attempts add up to over its whole life, and where its rehearsal ends one. For the
    job's own thread alone.

    `stamp` (seconds since 1970) tells the log stream of an attempt from those before; `interrupted`
    says whether the last one's instance was reclaimed.
    """

    trouble: TrainingTrouble
    spot: bool
    number: int = 0
    stamp: int = 0
    steps: int = 0
    trained_seconds: float = 0.0
    interrupted: bool = False

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """An attempt, which lasts as long as the block."""
        self.number += 1
        self.stamp = max(int(time.time()), self.stamp + 1)
        self.interrupted = False
        began = time.monotonic()
        try:
            yield
        finally:
            self.trained_seconds += time.monotonic() - began

    @property
    def failing(self) -> bool:
        """Whether the rehearsal's failure has come."""
        return bool(self.trouble.algorithm_error) and self.steps >= self.trouble.fail_at_step

    def end_with(self, line: str) -> bool:
        """Whether the rehearsal ends the attempt with this line of its log, which may be a step."""
        if not _STEP.search(line):
            return False
        self.steps += 1
        if self.failing:
            return True
        reclaimed = self.spot and self.steps in self.trouble.interrupt_at_steps
        self.interrupted = self.interrupted or reclaimed
        return reclaimed

"""What `sageseg jobs pipeline` accepts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from formats.errors import SagesegError
from formats.texts.told_numbers import parse_whole
from formats.verbs.command_options import option
from jobs.cost.prices import parse_max_cost
from jobs.pipelines.policies import ERRORS, MOST_TIMES, PAUSE, Again, Pause
from jobs.training.options import BackendOptions, OwnerOptions

_UNITS = {"m": (60, "PT{}M"), "h": (3600, "PT{}H"), "d": (86400, "P{}D")}
"""Of a time, its seconds, and how ISO 8601 writes so many."""
_LONGEST_DAYS = 365
_MOST_SECONDS, _MOST_RATE = 43200, 10
"""The first is the service's limit of IntervalSeconds, twelve hours."""


def parse_cache(text: str) -> str:
    """`30d`, `12h`, `45m`, as ISO 8601 writes it: `P30D`."""
    found = re.fullmatch(r"([0-9]{1,9})([mhd])", text.strip())
    number, (seconds, written) = (int(found[1]), _UNITS[found[2]]) if found else (0, (0, ""))
    if not 0 < number * seconds <= _LONGEST_DAYS * 86400:
        raise SagesegError(f"--cache {text}: expected a time of 1m to {_LONGEST_DAYS}d, such as 30d or 12h")
    return written.format(number)


def parse_again(text: str) -> Again:
    """`capacity=5,internal=1`, or `none`."""
    if text.strip() == "none":
        return Again()
    given = [part.partition("=") for part in text.split(",")]
    told = {name.strip(): parse_whole(times.strip()) or 0 for name, _, times in given}
    if len(told) != len(given) or any(
        name not in ERRORS or not 1 <= times <= MOST_TIMES for name, times in told.items()
    ):
        raise SagesegError(
            f"--again {text}: expected each of {', '.join(ERRORS)} once at the most, with the times from 1 to "
            f"{MOST_TIMES}, such as capacity=5,internal=1; or none"
        )
    return Again(**told)


def parse_pause(text: str) -> Pause:
    """`60x2`: seconds before the first new attempt, and how many times as long each later pause is; `60` is `60x1`."""
    found = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,2}(?:\.[0-9]{1,2})?))?", text.strip())
    pause = Pause(int(found[1]), float(found[2] or 1)) if found else Pause(0, 0)
    if not 1 <= pause.seconds <= _MOST_SECONDS or not 1 <= pause.rate <= _MOST_RATE:
        raise SagesegError(
            f"--pause {text}: expected seconds from 1 to {_MOST_SECONDS}, and how many times as long each later pause "
            f"is, from 1 to {_MOST_RATE}, such as 60x2"
        )
    return pause


@dataclass(frozen=True)
class PipelineOptions(OwnerOptions, BackendOptions):
    """Where a pipeline lives, what it leaves, and how much may be spent on it."""

    out: str | None = option(
        None, "Where each execution leaves what it makes: s3://bucket/prefix, or a folder here with --backend local."
    )
    image: str | None = option(
        None, "The project's image in your registry, made by its Dockerfile; with --wheel a stock one.", metavar="URI"
    )
    wheel: Path | None = option(
        None, "The project's wheel, which instances of an --image with Python 3.11 or newer install.", metavar="FILE"
    )
    name: str | None = option(
        None, "Name of the pipeline; by default the folder's, with the file's where that is not experiment.yaml."
    )
    group: str | None = option(
        None, "Model package group in which models are registered; by default the pipeline's name."
    )
    cache: str | None = option(
        None,
        "For how long a step counts as done that succeeded in an earlier execution with the same words and input.",
        parser=parse_cache,
        metavar="TIME",
    )
    again: Again = option(
        Again(capacity=5),
        f"Of which of AWS's errors a step is tried again ({', '.join(ERRORS)}), how many times each; or none.",
        parser=parse_again,
        metavar="ERROR=TIMES[,…]",
    )
    pause: Pause = option(
        PAUSE,
        "Seconds before it is tried again, and how many times as long each later pause is.",
        parser=parse_pause,
        metavar="SECONDS[xRATE]",
    )
    start: bool = option(False, "Create or update the pipeline, start it, and follow it to its end.")
    retry: bool = option(
        False, "With --start: go on with the latest execution, which failed or was stopped, after what has succeeded."
    )
    dry_run: bool = option(False, "With --start: print the definition and what it may cost, start nothing.")
    wait: bool = option(True, "With --start: follow the execution to its end.")
    max_cost: float | None = option(
        None, "With --start: refuse what may cost more, in US dollars.", parser=parse_max_cost, metavar="USD"
    )
    yes: bool = option(False, "With --start: spend without asking.")

    def idle(self) -> list[str]:
        """A sentence for each given option that another makes idle."""
        idle = list[str]()
        if self.again == Again() and self.pause != PAUSE:
            idle.append("--pause has no effect: with --again none nothing is tried again")
        given = {"--dry-run": self.dry_run, "--max-cost": self.max_cost is not None, "--yes": self.yes}
        given |= {"--retry": self.retry, "--no-wait": not self.wait}
        if not self.start:
            reason = "without --start: nothing is started"
            return [*idle, *(f"{name} has no effect {reason}" for name, there in given.items() if there)]
        if self.backend == "local" and self.max_cost is not None:
            idle.append("--max-cost has no effect: on this machine nothing is paid")
        return idle

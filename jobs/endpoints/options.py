"""The options of `sageseg jobs deploy`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from formats.errors import SagesegError
from formats.verbs.command_options import option
from jobs.cost.prices import parse_max_cost, parse_rate

SERVING_INSTANCE = "ml.c5.xlarge"
SERVERLESS_MB, SERVERLESS_AT_A_TIME = 4096, 5
SHORTEST = timedelta(minutes=10)
"""Until an endpoint is in service minutes pass, and before that it cannot be deleted."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST_DAYS = 365


def parse_ttl(text: str) -> timedelta:
    """`30m`, `2h`, `1.5d`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text.strip())
    length = timedelta(**{_UNITS[found[2]]: min(float(found[1]), 1e6)}) if found else timedelta()
    if not SHORTEST <= length <= timedelta(days=_LONGEST_DAYS):
        raise SagesegError(f"--ttl {text}: expected 10m to {_LONGEST_DAYS}d, such as 30m, 2h or 1d")
    return length


@dataclass(frozen=True)
class DeployOptions:
    """Where an endpoint runs, under which name, for how long, and what it may cost."""

    instance_type: str | None = option(
        None, f"What the endpoint runs on; {SERVING_INSTANCE} by default.", metavar="TYPE"
    )
    instance_count: int = option(1, "How many of them.", metavar="N")
    serverless: bool = option(False, "On containers that AWS starts when it is asked, and that cost nothing between.")
    memory: int | None = option(
        None, f"With --serverless: MB of each container; {SERVERLESS_MB} by default.", metavar="MB"
    )
    max_concurrency: int | None = option(
        None, f"With --serverless: containers at a time; {SERVERLESS_AT_A_TIME} by default.", metavar="N"
    )
    asynchronous: bool = option(
        False, "Requests wait in a queue, and instances go when it is empty, down to none.", flag="--async"
    )
    max_instances: int | None = option(None, "With --async: instances at most; 1 by default.", metavar="N")
    ttl: timedelta | None = option(
        None, "Lease: after so long the endpoint is deleted, 30m, 2h, 1d.", parser=parse_ttl, metavar="TIME"
    )
    scheduler_role: str | None = option(
        None,
        "ARN of the role with which EventBridge Scheduler ends the lease; SAGESEG_SCHEDULER_ROLE in the environment.",
    )
    name: str | None = option(None, "Name of the endpoint; by default the job's.")
    model_package: str | None = option(
        None,
        "In place of a job: a version in the model registry, of a group alone its latest approved one.",
        metavar="ARN|GROUP[:VERSION]",
    )
    image: str | None = option(None, "A container of your own; by default the job's.", metavar="URI")
    role: str | None = option(None, "ARN of the role that SageMaker assumes; by default the job's, or SAGESEG_ROLE.")
    region: str | None = option(None, "AWS region; by default the job's, or the environment's.")
    max_cost: float | None = option(
        None,
        "Refuse what may cost more until the lease ends, without a lease in a month.",
        parser=parse_max_cost,
        metavar="USD",
    )
    rate: float | None = option(
        None,
        "Your own dollars per hour of an instance or a serverless container, in place of the price list.",
        parser=parse_rate,
        metavar="USD",
    )
    yes: bool = option(False, "Spend without asking.")
    dry_run: bool = option(False, "Print the requests, say what it costs, start nothing.")
    wait: bool = option(True, "Wait until it is in service, and ask it once.")

    def idle(self) -> list[str]:
        """A sentence for each given option that another makes idle."""
        unleased = self.scheduler_role is not None and self.ttl is None
        return ["--scheduler-role has no effect without --ttl, which it ends"] if unleased else []

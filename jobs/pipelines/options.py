"""What `sageseg jobs pipeline` accepts."""

from __future__ import annotations

from dataclasses import dataclass

from formats.verbs.command_options import option
from jobs.cost.prices import parse_max_cost
from jobs.training.options import parse_backend, parse_tags


@dataclass(frozen=True)
class PipelineOptions:
    """Where a pipeline lives, what it leaves, and how much may be spent on it."""

    backend: str = option(
        "aws",
        "aws, or local: the same requests to the emulator on this machine.",
        parser=parse_backend,
        metavar="aws|local",
    )
    region: str | None = option(None, "AWS region; by default the environment's.")
    out: str | None = option(
        None, "Where each execution leaves what it makes: s3://bucket/prefix, or a folder here with --backend local."
    )
    role: str | None = option(None, "ARN of the role that SageMaker assumes; SAGESEG_ROLE in the environment.")
    image: str | None = option(None, "The project's image in your registry, made by its Dockerfile.", metavar="URI")
    name: str | None = option(
        None, "Name of the pipeline; by default the folder's, with the file's where that is not experiment.yaml."
    )
    group: str | None = option(
        None, "Model package group in which models are registered; by default the pipeline's name."
    )
    tags: dict[str, str] | None = option(None, "Tags for its jobs.", parser=parse_tags, metavar="KEY=VALUE[,…]")
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
        given = {"--dry-run": self.dry_run, "--max-cost": self.max_cost is not None, "--yes": self.yes}
        given |= {"--retry": self.retry, "--no-wait": not self.wait}
        if not self.start:
            return [
                f"{name} has no effect without --start: nothing is started" for name, there in given.items() if there
            ]
        if self.backend == "local" and self.max_cost is not None:
            return ["--max-cost has no effect: on this machine nothing is paid"]
        return []

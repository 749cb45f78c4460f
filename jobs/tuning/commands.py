"""`sageseg jobs tune`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formats.command_options import takes
from formats.console import result, say
from jobs.contract.hyperparameter_options import takes_hyperparameters
from jobs.tracking.following import follow_or_leave, say_cost, show_ranking
from jobs.training.commands import DatasetFolder, lent, region_of, role_of
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.tuning.options import TuningOptions

if TYPE_CHECKING:
    from formats.dataset import Dataset
    from jobs.contract.tuning_request import Tuning
    from jobs.tracking.records import JobRecord


@takes(TuningOptions, "tuning")
@takes(StartOptions, "start")
@takes(DataOptions, "data")
@takes(MachineOptions, "machine")
@takes(SecurityOptions, "security")
@takes_hyperparameters
def tune(
    dataset: DatasetFolder,
    tuning: TuningOptions,
    hyperparameters: dict[str, str],
    start: StartOptions,
    data: DataOptions,
    machine: MachineOptions,
    security: SecurityOptions,
    json_: Annotated[bool, typer.Option("--json", help="The ranking as JSON.")] = False,
) -> None:
    """Search hyperparameters: many training jobs on a dataset, ranked.

    At AWS it says what all of them may cost and asks first, unless --yes or --max-cost is given. The winner's
    hyperparameters: sageseg jobs train DATASET --like NAME:best.
    """
    from formats.dataset import open_dataset
    from jobs.tracking.job_calls import training_jobs_of
    from jobs.tuning.plan import request_of

    options = TrainOptions(start, data, machine, security)
    opened, region = open_dataset(dataset), region_of(start)
    tunings = _plan(opened, hyperparameters, options, tuning, region)
    requests = [request_of(one, local=start.backend == "local") for one in tunings]
    if start.dry_run:
        result(json.dumps(requests[0], indent=2))
        return
    record = _run(opened, tunings, requests, options, region)
    if not start.wait:
        result(record.name)
        return
    show_ranking(record, training_jobs_of(record), as_json=json_)
    say(f"sageseg jobs train {dataset} --like {record.name}:best trains with the best job's hyperparameters")
    say_cost(record)


def _plan(
    dataset: Dataset, typed: dict[str, str], options: TrainOptions, tuning: TuningOptions, region: str
) -> list[Tuning]:
    from jobs.aws.names import utc_now
    from jobs.tuning.plan import plan_tunings
    from jobs.tuning.ranges import describe_ranges, notes_on

    like, earlier = lent(options, region)
    role, now = role_of(options.security), utc_now()
    tunings = plan_tunings(
        dataset, typed, options, tuning, region=region, role=role, now=now, lent=like, earlier=earlier
    )
    first = tunings[0]
    say(f"{first.max_jobs} jobs, {first.parallel} at a time, vary {describe_ranges(first.ranges)}")
    for note in notes_on(first.ranges):
        say(f"note: {note}")
    if first.training.spot:
        say("note: that each training job has checkpoints of its own under --spot is inferred, not tried on AWS")
    return tunings


def _run(
    dataset: Dataset, tunings: list[Tuning], requests: list[dict[str, Any]], options: TrainOptions, region: str
) -> JobRecord:
    from jobs.training.start import Attempt, start_job

    attempts = [
        Attempt(one.training, request, kind="tuning", jobs=one.max_jobs, parallel=one.parallel)
        for one, request in zip(tunings, requests, strict=True)
    ]
    return start_job(dataset, attempts, options, region, follow_or_leave if options.start.wait else None)

"""`sageseg jobs tune`."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import say
from formats.errors import SagesegError
from formats.verbs.command_options import takes
from jobs.contract.hyperparameter_options import takes_hyperparameters
from jobs.tracking.following import say_cost, show_ranking
from jobs.training.commands import DatasetFolder, carry_out, lent, surroundings
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions
from jobs.tuning.options import TuningOptions

if TYPE_CHECKING:
    from jobs.training.plan import JobPlan


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
    from jobs.tuning.plan import plan_tuning

    options = TrainOptions(start, data, machine, security)
    opened, around = open_dataset(dataset), surroundings(options)
    like, earlier = lent(options, around.region)
    _check_search(tuning, local=start.backend == "local")

    def plan_as(named: TrainOptions) -> JobPlan:
        return plan_tuning(opened, hyperparameters, named, tuning, around, lent=like, earlier=earlier)

    record = carry_out(plan_as, opened, options, around.region)
    if record is None:
        return
    show_ranking(record, training_jobs_of(record), as_json=json_)
    where = " --backend local" if start.backend == "local" else ""
    say(f"sageseg jobs train {dataset}{where} --like {record.name}:best trains with the best job's hyperparameters")
    say_cost(record)


def _check_search(tuning: TuningOptions, *, local: bool) -> None:
    if local and tuning.strategy == "Bayesian" and importlib.util.find_spec("optuna") is None:
        raise SagesegError(
            "--strategy bayesian: on this machine it needs Optuna, which is not installed; run pip install optuna, "
            "or pass --strategy random"
        )

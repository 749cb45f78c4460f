"""`sageseg jobs train` and `upload`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import result, result_json, say
from formats.verbs.command_options import takes
from jobs.contract.file_uris import for_people
from jobs.contract.hyperparameter_options import takes_hyperparameters
from jobs.tracking.following import follow_or_leave, say_cost
from jobs.training.options import DataOptions, MachineOptions, SecurityOptions, StartOptions, TrainOptions

if TYPE_CHECKING:
    from formats.dataset import Dataset
    from jobs.tracking.records import JobRecord
    from jobs.training.plan import JobPlan, Surroundings
    from jobs.training.starting_point import EarlierModel

DatasetFolder = Annotated[Path, typer.Argument(help="Folder of a dataset that prep wrote.")]


@takes(StartOptions, "start")
@takes(DataOptions, "data")
@takes(MachineOptions, "machine")
@takes(SecurityOptions, "security")
@takes_hyperparameters
def train(
    dataset: DatasetFolder,
    hyperparameters: dict[str, str],
    start: StartOptions,
    data: DataOptions,
    machine: MachineOptions,
    security: SecurityOptions,
) -> None:
    """Start the built-in algorithm, or unet under our own image, on a dataset.

    At AWS it says what the job may cost and asks first, unless --yes or --max-cost is given.
    """
    from formats.dataset import open_dataset
    from jobs.training.plan import plan_training

    options = TrainOptions(start, data, machine, security)
    opened, around = open_dataset(dataset), surroundings(options)
    like, earlier = lent(options, around.region)

    def plan_as(named: TrainOptions) -> JobPlan:
        return plan_training(opened, {**like, **hyperparameters}, named, around, earlier)

    record = carry_out(plan_as, opened, options, around.region)
    if record is None:
        return
    result(f"{record.name}: {record.description['TrainingJobStatus']}")
    result(for_people(record.description["ModelArtifacts"]["S3ModelArtifacts"]))
    say_cost(record)


def surroundings(options: TrainOptions) -> Surroundings:
    """This shell and this moment, as far as a plan depends on them."""
    from aws.clients import NoRegionError, configured_region
    from aws.names import utc_now
    from jobs.backends import LOCAL_REGION
    from jobs.contract.instances import DEFAULT_GPUS
    from jobs.quotas import find_quotas, training_use
    from jobs.training.plan import Surroundings

    start, machine = options.start, options.machine
    local = start.backend == "local"
    try:
        region = start.region or LOCAL_REGION if local else configured_region(start.region)
    except NoRegionError as e:
        raise NoRegionError(f"{e}; --backend local trains on this machine, without AWS") from e
    role = options.security.role or os.environ.get("SAGESEG_ROLE")
    types = machine.instance_type or (() if machine.image else DEFAULT_GPUS)
    quotas = {} if local else find_quotas(region, types, training_use(spot=machine.spot))
    return Surroundings(region, role, utc_now(), os.environ, quotas)


def lent(options: TrainOptions, region: str) -> tuple[dict[str, str], EarlierModel | None]:
    """What earlier jobs lend: hyperparameters (--like), a model (--model)."""
    if not (options.start.like or options.data.model):
        return {}, None
    from jobs.tracking.find_jobs import find_training
    from jobs.training.starting_point import earlier_model, hyperparameters_like

    like, model = options.start.like, options.data.model
    find = cache(lambda name: find_training(name, region))  # both may name one job
    return (
        hyperparameters_like(find(like)) if like else {},
        earlier_model(model, options.start.backend, find) if model else None,
    )


def carry_out(
    plan_as: Callable[[TrainOptions], JobPlan], dataset: Dataset, options: TrainOptions, region: str
) -> JobRecord | None:
    """Start what is planned and follow it to its end. None where nothing was followed: with --dry-run
    the request is printed, and what would stop it or cost is said; with --no-wait the name is printed."""
    from jobs.training.attempts_begun import begun_before
    from jobs.training.start import look_before, start_job

    mlflow = options.start.mlflow
    if mlflow:
        from jobs.recording.place import check_installed

        check_installed(mlflow)
    plan = plan_as(options)
    if options.start.name is None and not options.start.dry_run:
        plan = begun_before(lambda name: plan_as(options.named(name)), plan, options.start.backend, region)
    for line in plan.lines:
        say(line)
    if options.start.dry_run:
        result_json(plan.first.request)
        look_before(dataset, plan, options, region)
        return None
    record = start_job(dataset, plan, options, region, _follow(mlflow) if options.start.wait else None)
    if options.start.wait:
        return record
    if mlflow:
        from jobs.recording.follow import begin_recorded

        begin_recorded(record, mlflow)
    result(record.name)
    return None


def _follow(mlflow: str | None) -> Callable[[JobRecord], JobRecord]:
    """What follows a job to its end; with `mlflow` it is written down there."""
    if not mlflow:
        return follow_or_leave
    from jobs.recording.follow import follow_recorded

    return lambda record: follow_recorded(record, mlflow)


def upload(
    dataset: DatasetFolder,
    uri: Annotated[str, typer.Argument(help="s3://bucket/prefix")],
    region: Annotated[str | None, typer.Option(help="AWS region; by default the environment's.")] = None,
    kms_key: Annotated[str | None, typer.Option(help="KMS key to encrypt with.")] = None,
    bucket_owner: Annotated[
        str | None, typer.Option(help="Account that owns the bucket; by default yours; any does not ask.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove objects from the channels that the dataset does not have.")
    ] = False,
) -> None:
    """Upload a dataset's channels to S3; only what changed is sent.

    What was cut off goes on where it was when the command is run again.
    """
    from aws.clients import configured_region
    from aws.identity import check_bucket
    from formats.dataset import open_dataset
    from jobs.training.upload import Upload, upload_dataset

    opened, where = open_dataset(dataset), configured_region(region)
    check_bucket(uri, where, bucket_owner)
    done = upload_dataset(opened, Upload(uri, where, kms_key=kms_key, delete=delete, workers=workers))
    deleted = f", {done.deleted} deleted" if delete else ""
    result(f"{uri}: {done.sent} files sent, {done.unchanged} unchanged{deleted}")

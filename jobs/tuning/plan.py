"""From a dataset and settings to the exact tuning requests: pure but for the sizes of the dataset's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from aws.names import default_name
from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.instances import GPU_INSTANCES
from jobs.contract.registry import is_builtin
from jobs.contract.service_model import check_request
from jobs.contract.training_request import TrainingJob
from jobs.contract.tuning_request import MAX_NAME, Tuning, tuning_request
from jobs.training.options import TrainOptions
from jobs.training.plan import Attempt, JobPlan, Surroundings, settle_jobs
from jobs.training.starting_point import EarlierModel
from jobs.tuning.options import TuningOptions
from jobs.tuning.ranges import combinations, describe_ranges, example, notes_on, settle_ranges


def plan_tuning(
    dataset: Dataset,
    typed: Mapping[str, str],
    options: TrainOptions,
    tuning: TuningOptions,
    around: Surroundings,
    *,
    lent: Mapping[str, str] | None = None,
    earlier: EarlierModel | None = None,
) -> JobPlan:
    """Settle a tuning job, once for each instance type in the order in which they are tried; the second
    is called NAME-2, and so on. `typed` are hyperparameters given as options, `lent` those of an
    earlier job.

    Raises SagesegError, for what the service would refuse with its own words.
    """
    _check_numbers(tuning)
    if options.data.validate_on == "train":
        raise SagesegError(
            "--validate-on train: the search would find what learns its own images by heart; prepare the dataset with "
            "--val 0.2"
        )
    ranges = settle_ranges(tuning.range or (), typed, lent or {}, len(dataset.kept("train")))
    _check_combinations(ranges, tuning.max_jobs)
    # what varies is settled with an example, so that all rules for a training job are applied
    given = {**(lent or {}), **typed, **{name: example(name, tunable) for name, tunable in ranges.items()}}
    algorithm = given.get("algorithm") or (earlier.hyperparameters if earlier else {}).get("algorithm", "fcn")
    name = options.start.name or default_name(algorithm, dataset.root.absolute().name, now=around.now, most=MAX_NAME)
    _check_name(name)
    found = settle_jobs(dataset, given, options.named(name), around, earlier)
    local = options.start.backend == "local"
    attempts = [
        _attempt(replace(job, name=_numbered(name, number)), ranges, tuning, local=local)
        for number, job in enumerate(found.jobs, 1)
    ]
    lines = (*found.lines, *_lines(ranges, tuning, options), *_small_batches(ranges, found.jobs))
    return JobPlan(tuple(attempts), found.settled, lines)


def _attempt(job: TrainingJob, ranges: Mapping[str, Tunable], tuning: TuningOptions, *, local: bool) -> Attempt:
    settled = Tuning(
        job.name,
        job,
        ranges,
        tuning.objective,
        tuning.max_jobs,
        tuning.parallel,
        tuning.strategy,
        tuning.seed,
    )
    request = tuning_request(settled)
    check_request("sagemaker", "CreateHyperParameterTuningJob", request, file_uris=local)
    return Attempt(job, request, kind="tuning", jobs=tuning.max_jobs, parallel=tuning.parallel)


def _lines(ranges: Mapping[str, Tunable], tuning: TuningOptions, options: TrainOptions) -> Iterator[str]:
    yield f"{tuning.max_jobs} jobs, {tuning.parallel} at a time, vary {describe_ranges(ranges)}"
    yield from (f"note: {note}" for note in notes_on(ranges))
    if options.machine.spot:
        yield "note: that each training job has checkpoints of its own under --spot is inferred, not tried on AWS"


def _small_batches(ranges: Mapping[str, Tunable], jobs: Sequence[TrainingJob]) -> Iterator[str]:
    """The check before the start looks at the largest batch; the smallest may be fewer images than GPUs."""
    batch = ranges.get("mini_batch_size")
    for kind in (job.instance_type for job in jobs if is_builtin(job.image)):
        gpus = GPU_INSTANCES[kind].count
        if batch is not None and batch.low < gpus:
            yield (
                f"warning: mini_batch_size from {batch.low:g}: a batch of fewer images than the {gpus} GPUs of {kind} "
                f"cannot be dealt to them, and its job fails (inferred); begin --range mini_batch_size=… at {gpus}"
            )


def _check_numbers(tuning: TuningOptions) -> None:
    for option, number in (("--max-jobs", tuning.max_jobs), ("--parallel", tuning.parallel)):
        if number < 1:
            raise SagesegError(f"{option} {number}: expected at least 1")
    if tuning.parallel > tuning.max_jobs:
        raise SagesegError(
            f"--parallel {tuning.parallel}: more than --max-jobs {tuning.max_jobs}; lower it, or raise --max-jobs"
        )


def _check_combinations(ranges: Mapping[str, Tunable], most: int) -> None:
    """The service refuses to start more jobs than there are combinations (its words, in public issues)."""
    found = combinations(ranges)
    if found < most:
        raise SagesegError(
            f"--max-jobs {most}: these ranges have only {found:.0f} combinations; pass --max-jobs {found:.0f}, "
            "or widen a --range"
        )


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME:
        raise SagesegError(
            f"--name {name}: {len(name)} characters; a tuning job's name has at most {MAX_NAME}, since its training "
            "jobs' names begin with it"
        )


def _numbered(name: str, number: int) -> str:
    """NAME, NAME-2, NAME-3, within a tuning job's length."""
    suffix = "" if number == 1 else f"-{number}"
    return name[: MAX_NAME - len(suffix)].rstrip("-") + suffix

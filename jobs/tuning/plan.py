"""From a dataset and settings to the exact tuning requests: pure but for looking at files."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from formats.dataset import Dataset
from formats.errors import SagesegError
from jobs.aws.names import default_name
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.service_model import check_request
from jobs.contract.tuning_request import MAX_NAME, Tuning, tuning_request
from jobs.training.options import TrainOptions
from jobs.training.plan import plan_jobs
from jobs.training.starting_point import EarlierModel
from jobs.tuning.options import TuningOptions
from jobs.tuning.ranges import combinations, example, settle_ranges

_STAMP = len("-20261121-010203")


def plan_tunings(
    dataset: Dataset,
    typed: Mapping[str, str],
    options: TrainOptions,
    tuning: TuningOptions,
    *,
    region: str,
    role: str | None,
    now: datetime,
    lent: Mapping[str, str] | None = None,
    earlier: EarlierModel | None = None,
) -> list[Tuning]:
    """Settle every part of a tuning job, once for each instance type in the order in which they are
    tried. `typed` are hyperparameters given as options, `lent` those of an earlier job.

    The second is called NAME-2, and so on. Pure but for the sizes of the dataset's files.
    """
    _check_numbers(tuning, local=options.start.backend == "local")
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
    name = options.start.name or _default_name(algorithm, dataset.root.absolute().name, now)
    _check_name(name)
    named = replace(options, start=replace(options.start, name=name))
    jobs = plan_jobs(dataset, given, named, region=region, role=role, now=now, earlier=earlier)
    names = [_numbered(name, number) for number in range(1, len(jobs) + 1)]
    return [
        Tuning(
            name,
            replace(job, name=name),
            ranges,
            tuning.objective,
            tuning.max_jobs,
            tuning.parallel,
            tuning.strategy,
            tuning.seed,
        )
        for name, job in zip(names, jobs, strict=True)
    ]


def _check_numbers(tuning: TuningOptions, *, local: bool) -> None:
    for option, number in (("--max-jobs", tuning.max_jobs), ("--parallel", tuning.parallel)):
        if number < 1:
            raise SagesegError(f"{option} {number}: expected at least 1")
    if tuning.parallel > tuning.max_jobs:
        raise SagesegError(
            f"--parallel {tuning.parallel}: more than --max-jobs {tuning.max_jobs}; lower it, or raise --max-jobs"
        )
    if local and tuning.strategy == "Bayesian" and importlib.util.find_spec("optuna") is None:
        raise SagesegError(
            "--strategy bayesian: on this machine it needs Optuna, which is not installed; run pip install optuna, "
            "or pass --strategy random"
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


def _default_name(algorithm: str, dataset: str, now: datetime) -> str:
    """As a training job's, its front cut to what a tuning job's name has room for."""
    whole = default_name(algorithm, dataset, now=now)
    return whole[:-_STAMP][: MAX_NAME - _STAMP].rstrip("-") + whole[-_STAMP:]


def _numbered(name: str, number: int) -> str:
    """NAME, NAME-2, NAME-3, within a tuning job's length."""
    suffix = "" if number == 1 else f"-{number}"
    return name[: MAX_NAME - len(suffix)].rstrip("-") + suffix


def request_of(tuning: Tuning, *, local: bool) -> dict[str, Any]:
    """The checked request. Raises SagesegError with the service's own words for what it would refuse."""
    request = tuning_request(tuning)
    check_request("sagemaker", "CreateHyperParameterTuningJob", request, file_uris=local)
    return request

"""What a planned job may cost, and how long it is likely to run: by the price list, and by what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median
from typing import Any

from formats.console import say
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs.contract.hyperparameters import TABLE, Hyperparameters, whole_number
from jobs.contract.instances import has_own_disk, running_on
from jobs.contract.registry import ALGORITHM, is_builtin
from jobs.contract.training_request import TrainingJob
from jobs.cost.agreement import agree_on_training
from jobs.cost.estimates import PUBLIC, THIS_MACHINE, Estimate, Pace, Setting, Work, estimate
from jobs.cost.prices import STORAGE, find_rate
from jobs.cost.quotes import TrainingQuote
from jobs.tracking.records import JobRecord, read_record, record_names
from jobs.training.options import StartOptions
from jobs.training.plan import Attempt, JobPlan

_DECIDING = ("algorithm", "backbone")
"""The hyperparameters that, with the crop's size, decide how long an image takes."""


def agreed_attempts(dataset: Dataset, plan: JobPlan, start: StartOptions, region: str) -> tuple[Attempt, ...]:
    """The attempts with what each may cost, said and agreed to; a dry run asks nobody. On this machine nothing is
    paid, and only the time to expect is said, where it is known."""
    if start.backend == "local":
        expected = expected_for(plan.first.job, dataset, plan.settled, local=True)
        if expected:
            jobs = f"{plan.first.jobs} times " if plan.first.jobs > 1 else ""
            say(f"likely {jobs}{format_roughly(expected.seconds)} of training ({expected.basis})")
        return plan.attempts
    attempts = [
        replace(attempt, quote=quote_of(attempt, region, expected_for(attempt.job, dataset, plan.settled), start.rate))
        for attempt in plan.attempts
    ]
    quotes = [attempt.quote for attempt in attempts if attempt.quote]
    agree_on_training(quotes, max_cost=start.max_cost, yes=start.yes or start.dry_run)
    return tuple(attempts)


def quote_of(attempt: Attempt, region: str, expected: Estimate | None, rate: float | None) -> TrainingQuote:
    """What an attempt may cost at AWS: at the user's own `rate`, or asked of the price list where that is allowed."""
    job = attempt.job
    return TrainingQuote(
        job.instance_type,
        find_rate(region, job.instance_type, "Train", own=rate),
        job.max_runtime_seconds,
        jobs=attempt.jobs,
        parallel=attempt.parallel,
        volume_gb=job.volume_gb,
        storage_rate=None if has_own_disk(job.instance_type) else STORAGE.get(region),
        spot=job.spot is not None,
        expected=expected,
    )


def expected_for(
    job: TrainingJob, dataset: Dataset, settled: Hyperparameters, *, local: bool = False
) -> Estimate | None:
    """How long a job is likely to train; None where nothing alike was measured."""
    kind = THIS_MACHINE if local else job.instance_type
    setting = Setting(_program(job.image), settled.algorithm, settled.backbone, settled.crop_size, kind)
    pace = _own_pace(setting) or PUBLIC.get(setting)
    if pace is None:
        return None
    validated = len(dataset.kept("train" if job.validate_on == "train" else "val"))
    return estimate(Work(settled.epochs, len(dataset.kept("train")), validated), pace)


def _program(image: str) -> str:
    """The built-in's image has another URI in each region."""
    return ALGORITHM if is_builtin(image) else image


def _own_pace(setting: Setting) -> Pace | None:
    """The pace of the latest job of this folder that trained alike."""
    alike = [record for record, found in _settings() if found == setting]
    found = ((record, _pace(record)) for record in sorted(alike, key=lambda record: record.created, reverse=True))
    return next((Pace(*pace, f"job {record.name}") for record, pace in found if pace), None)


def _settings() -> Iterator[tuple[JobRecord, Setting | None]]:
    """A broken record is no reason to start nothing; `jobs list` names it."""
    for name in record_names():
        with suppress(SagesegError):
            record = read_record(name)
            yield record, _setting_of(record)


def _setting_of(record: JobRecord) -> Setting | None:
    """None for what has not been followed to its end, or is no training job."""
    if record.is_tuning or not record.epochs:
        return None
    image, given = record.request["AlgorithmSpecification"]["TrainingImage"], record.request["HyperParameters"]
    algorithm, backbone = (str(given.get(name, TABLE[name].default)) for name in _DECIDING)
    kind = THIS_MACHINE if record.backend == "local" else running_on(record.description["ResourceConfig"])
    return Setting(_program(image), algorithm, backbone, whole_number(given, "crop_size"), kind or "")


def _pace(record: JobRecord) -> tuple[float, float] | None:
    """Median images a second of its epochs, in training and in validation."""
    train, validation = (list(_measured(record, name)) for name in ("train_throughput", "validation_throughput"))
    return (median(train), median(validation)) if train and validation else None


def _measured(record: JobRecord, name: str) -> Iterator[float]:
    yield from (epoch[name] for epoch in record.epochs if epoch.get(name))


def cost_of(attempt: Attempt) -> dict[str, Any]:
    """What job.json tells of the cost before the job has run."""
    return _listed_cost(attempt.choices) if attempt.choices else _cost(attempt.quote)


def _cost(quote: TrainingQuote | None) -> dict[str, Any]:
    return {
        "usd_per_hour": quote.rate.usd_per_hour if quote else None,
        "source": quote.rate.source if quote else THIS_MACHINE,
        "worst_usd": quote.worst_usd if quote else None,
    }


def _listed_cost(choices: Sequence[Attempt]) -> dict[str, Any]:
    """Until the service has chosen a type the rate is open; at worst it costs what the dearest does."""
    each = {choice.job.instance_type: _cost(choice.quote) for choice in choices}
    worst = [cost.pop("worst_usd") for cost in each.values()]
    known = None if None in worst else max(worst)
    sources = ", ".join(dict.fromkeys(cost["source"] for cost in each.values()))
    return {"usd_per_hour": None, "source": sources, "worst_usd": known, "rates": each}

"""Saying what will cost money, and having it agreed to: by --yes, by --max-cost, or by a person's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from formats.console import agree, say
from formats.errors import SagesegError
from jobs.cost.prices import HOURS_PER_MONTH, Rate
from jobs.cost.quotes import (
    AsyncQuote,
    EndpointQuote,
    ProcessingQuote,
    ServerlessQuote,
    TrainingQuote,
    TransformQuote,
)

AnyEndpointQuote = EndpointQuote | AsyncQuote | ServerlessQuote
StepQuote = TrainingQuote | ProcessingQuote | TransformQuote
_MINUTE = 60
_ROUNDING = 1 - 1e-9


def agree_on_training(quotes: Sequence[TrainingQuote], *, max_cost: float | None, yes: bool) -> None:
    """One quote for each instance type, in the order in which they are tried."""
    for note in dict.fromkeys(quote.rate.note for quote in quotes if quote.rate.note):
        say(f"note: {note}")
    for number, quote in enumerate(quotes):
        say(quote.describe() if number == 0 else f"if it moves on: {quote.describe()}")
        lower = f"{'' if quote.jobs == 1 else '--max-jobs or '}--max-runtime{_fitting(quotes, max_cost)}"
        check_max_cost(quote.worst_usd, max_cost, quote.instance_type, lower=lower)
    _agree_to_spend(max_cost=max_cost, yes=yes)


def _fitting(quotes: Sequence[TrainingQuote], max_cost: float | None) -> str:
    """` to N`: the longest runtime at which none may cost more; empty where that is under a minute or unknown."""
    worst = [quote.worst_usd / quote.max_runtime_seconds for quote in quotes if quote.worst_usd]
    seconds = int(max_cost / max(worst) * _ROUNDING) if worst and max_cost else 0
    return f" to {seconds}" if seconds >= _MINUTE else ""


def agree_on_endpoint(quote: AnyEndpointQuote, lease: timedelta | None, *, max_cost: float | None, yes: bool) -> None:
    """Without a lease, what counts against `max_cost` is a month."""
    _say_note(quote.rate)
    hours = lease.total_seconds() / 3600 if lease else HOURS_PER_MONTH
    worst = None if quote.most_usd_per_hour is None else hours * quote.most_usd_per_hour
    say(quote.describe() + (f"; ${worst:.2f} until its lease ends" if lease and worst is not None else ""))
    typed = not isinstance(quote, ServerlessQuote)
    check_max_cost(worst, max_cost, quote.instance_type, lower=quote.lower, typed=typed)
    _agree_to_spend(max_cost=max_cost, yes=yes)


def agree_on_transform(quote: TransformQuote, *, max_cost: float | None, yes: bool) -> None:
    """How long a transform runs is unknown before, so that `max_cost` must be kept while it does."""
    _say_note(quote.rate)
    say(quote.describe(max_cost))
    if quote.rate.usd_per_hour is None and max_cost is not None:
        raise SagesegError(
            f"{quote.instance_type}: its price is unknown, so --max-cost {max_cost:g} cannot be kept; look it up on "
            "aws.amazon.com/sagemaker/pricing and pass it as --rate, or choose another --instance-type"
        )
    _agree_to_spend(max_cost=max_cost, yes=yes)


def agree_on_processing(*quotes: ProcessingQuote, max_cost: float | None, yes: bool) -> None:
    """One quote for each instance type from which the service chooses."""
    for number, quote in enumerate(quotes):
        _say_note(quote.rate)
        say(quote.describe() if number == 0 else f"if it has no capacity: {quote.describe()}")
        check_max_cost(quote.worst_usd, max_cost, quote.instance_type, lower="--max-hours or --instances")
    _agree_to_spend(max_cost=max_cost, yes=yes)


def agree_on_steps(
    quotes: Mapping[str, StepQuote], times: Mapping[str, int], *, max_cost: float | None, yes: bool
) -> None:
    """What the steps of a pipeline may cost, by their names, each done so many `times` at the most. A transform has no
    limit of its own, and nobody stops it once its pipeline runs, so that `max_cost` cannot be kept with one."""
    for note in dict.fromkeys(quote.rate.note for quote in quotes.values() if quote.rate.note):
        say(f"note: {note}")
    worst, beside = list[float | None](), ""
    for name, quote in quotes.items():
        if not isinstance(quote, TransformQuote):
            most = times.get(name, 1)
            say(f"{name}: {quote.describe()}{f', {most} times at the most' if most > 1 else ''}")
            worst.append(None if quote.worst_usd is None else most * quote.worst_usd)
            continue
        say(f"{name}: {quote.describe(None)}")
        beside = ", the transform beside it"
        if max_cost is not None:
            raise SagesegError(
                f"{name}: a transform runs as long as it takes, so --max-cost {max_cost:g} cannot be kept; predict "
                "via: artefact, or say --yes"
            )
    known = [usd for usd in worst if usd is not None]
    total = sum(known) if len(known) == len(worst) else None
    if total is not None:
        say(f"the pipeline: at worst ${total:.2f}{beside}")
    if total is None and max_cost is not None:
        raise SagesegError(
            f"the pipeline: the price of a step is unknown, so --max-cost {max_cost:g} cannot be kept; choose another "
            "instance_type in its section, or say --yes in its place"
        )
    again = ", or the times of --again internal" if any(most > 1 for most in times.values()) else ""
    lower = f"max_runtime or max_jobs of the training's section, max_hours of the section process{again}"
    check_max_cost(total, max_cost, "the pipeline", lower=lower, typed=False)
    _agree_to_spend(max_cost=max_cost, yes=yes)


def _say_note(rate: Rate) -> None:
    if rate.note:
        say(f"note: {rate.note}")


def check_max_cost(
    worst_usd: float | None,
    max_cost: float | None,
    what: str,
    *,
    lower: str = "--max-runtime",
    typed: bool = True,
) -> None:
    """Raise SagesegError when something may cost more than the user allows, or when nobody knows.
    `lower` names the options that make it cost less, `typed` says whether --instance-type does."""
    if max_cost is None:
        return
    if worst_usd is None:
        raise SagesegError(
            f"{what}: its price is unknown, so --max-cost {max_cost:g} cannot be kept; look it up on "
            f"aws.amazon.com/sagemaker/pricing and pass it as --rate{', or choose another --instance-type' * typed}"
        )
    if worst_usd > max_cost:
        cheaper = ", choose a cheaper --instance-type" * typed
        raise SagesegError(
            f"{what}: may cost ${worst_usd:.2f}, more than --max-cost {max_cost:g}; lower {lower}{cheaper} or raise "
            "--max-cost"
        )


def _agree_to_spend(*, max_cost: float | None, yes: bool) -> None:
    """Off a terminal nobody can answer: there one of the two options is required."""
    if yes or max_cost is not None:
        return
    nobody = "this costs money and nobody is there to ask; add --yes, or --max-cost USD"
    if not agree("start it?", unattended=nobody):
        raise SagesegError("not started, as the answer was no; run it again and answer y, or add --yes")

"""Deleting leftovers: what a lease or disuse has ended by itself; the rest only when a person says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aws.clients import aws_errors
from formats.console import agree
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs.backends import Place
from jobs.endpoints.delete import remove_endpoint
from jobs.endpoints.lease import delete_schedule, endpoint_of_schedule
from jobs.endpoints.leftovers import JOBS, Leftover
from jobs.endpoints.parts import CONFIG, ENDPOINT, MODEL, delete_part
from jobs.endpoints.scaling import remove_scaling

_PARTS = {kind.word: kind for kind in (CONFIG, MODEL)}
_CALLS = {kind.word: kind for kind in JOBS}
_DAYS = 2 * 86400


@dataclass(frozen=True)
class Clearing:
    """What is to go beside expired leases and what nothing uses: all endpoints, running jobs."""

    everything: bool = False
    stop_jobs: bool = False


def doomed(found: Sequence[Leftover], clearing: Clearing, now: datetime) -> list[Leftover]:
    """What goes. Jobs only by their own word."""

    def goes(one: Leftover) -> bool:
        if one.kind in _CALLS:
            return clearing.stop_jobs
        return one.unused or one.is_expired(now) or (one.kind == ENDPOINT.word and clearing.everything)

    return [one for one in found if goes(one)]


def agree_to_clear(going: Sequence[Leftover], now: datetime, *, yes: bool) -> None:
    """What still works goes only with --yes, or when a person says so."""
    alive = [one for one in going if not one.unused and not one.is_expired(now)]
    if yes or not alive:
        return
    names = ", ".join(f"{one.kind} {one.name}" for one in alive)
    nobody = f"{names}: still at work, and nobody is there to ask; add --yes"
    if not agree(f"end what is still at work ({names})?", unattended=nobody):
        raise SagesegError("nothing was deleted, as the answer was no; run it again and answer y, or add --yes")


def clear(place: Place, going: Sequence[Leftover]) -> Iterator[str]:
    """Delete, telling of each what became of it. What one refuses does not keep the others; at the end
    it raises SagesegError when any was refused."""
    refused = 0
    for one in going:
        try:
            yield from _clear_one(place, one)
        except SagesegError as e:
            refused += 1
            yield f"{one.kind} {one.name}: not deleted ({e})"
    if refused:
        raise SagesegError(f"{refused} of {len(going)} could not be deleted; run it again in a few minutes")


def _clear_one(place: Place, one: Leftover) -> Iterator[str]:
    if one.kind == ENDPOINT.word:
        yield from remove_endpoint(place, one.name)
    elif one.kind == "schedule":
        there = delete_schedule(endpoint_of_schedule(one.name), place.region)
        yield f"schedule {one.name}: {'deleted' if there else 'gone already'}"
    elif one.kind == "scaling":
        yield f"scaling {one.name}: {'deleted' if remove_scaling(place, one.name) else 'gone already'}"
    elif one.kind in _PARTS:
        there = delete_part(place.sagemaker, _PARTS[one.kind], one.name)
        yield f"{one.kind} {one.name}: {'deleted' if there else 'gone already'}"
    else:
        kind = _CALLS[one.kind]
        with aws_errors(f"stopping {one.kind} {one.name}"):
            getattr(place.sagemaker, f"stop_{kind.call}")(**{f"{kind.member}Name": one.name})
        yield f"{one.kind} {one.name}: stopping"


def describe_leftover(one: Leftover, now: datetime) -> str:
    """One line: what, its age, what it costs, whether its lease has ended."""
    parts = [
        f"{one.kind} {one.name}",
        one.status,
        one.backend if one.backend == "local" else one.region,
        f"{_age((now - one.created).total_seconds())} old",
        price_words(one),
        one.about,
        lease_words(one, now),
        "unused" if one.unused else "",
    ]
    return "  ".join(part for part in parts if part)


def price_words(one: Leftover) -> str:
    if one.kind == "tuning job":
        return "paid for as its training jobs"
    if one.usd_per_day is None:
        return "price unknown"
    return f"${one.usd_per_day:.2f}/day" if one.usd_per_day else "free"


def lease_words(one: Leftover, now: datetime) -> str:
    if one.until is None:
        return "no lease" if one.kind == ENDPOINT.word else ""
    seconds = (one.until - now).total_seconds()
    return f"lease ends in {_age(seconds)}" if seconds > 0 else f"lease ended {_age(-seconds)} ago"


def _age(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= _DAYS else format_roughly(seconds)

"""The search through all targets: long, each in a process of its own on all cores, or a little of each in this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic

from formats.parallel import available_cores
from trust.damage.all_targets import TARGETS
from trust.damage.apart import search_apart
from trust.damage.engine import Tally, folder_in_memory, replay, search
from trust.outcome import Outcome

SECONDS = 8.3
"""Of processor time for each target: on two cores all take eight minutes, and ten million inputs."""
_A_FEW = 60


def trial(*, short: bool) -> Iterator[Outcome]:
    """The corpora as they are, then fresh damage."""
    began = monotonic()
    yield _outcome("damaged inputs that once failed, and whole ones", map(_replay, TARGETS), began)
    began = monotonic()
    fresh = map(_search_a_little, TARGETS) if short else search_apart([*TARGETS], seconds=SECONDS, workers=_workers())
    yield _outcome("fresh damaged inputs", fresh, began)


def _workers() -> int:
    return max(2, available_cores())


def _replay(name: str) -> Tally:
    with folder_in_memory() as folder:
        return replay(TARGETS[name](folder))


def _search_a_little(name: str) -> Tally:
    with folder_in_memory() as folder:
        return search(TARGETS[name](folder), count=_A_FEW, seconds=1.0)


def _outcome(what: str, tallies: Iterable[Tally], began: float) -> Outcome:
    found = list(tallies)
    tried, refused = (sum(getattr(tally, name) for tally in found) for name in ("tried", "refused"))
    faults = tuple(fault for tally in found for fault in tally.faults.values())
    slowest = max(found, key=lambda tally: tally.worst)
    measured = (
        f"{len(found)} parsers, {refused:,} refused, the longest {slowest.worst * 1000:.0f} ms ({slowest.name}), "
        f"{sum(tally.seconds for tally in found):.0f} s of processor time"
    )
    return Outcome(what, tried, faults, monotonic() - began, measured)

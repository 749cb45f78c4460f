"""A choice among images: the most uncertain first, one of each group in turn, of near-twins only one."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from analysis.selection.uncertainty import Uncertainty


@dataclass(frozen=True)
class Candidate:
    """An image that may be chosen. `stem` tells it from all others, `source` is its path below the images' folder."""

    stem: str
    source: str
    group: str
    uncertainty: Uncertainty

    @property
    def order(self) -> tuple[float, str]:
        """The most uncertain first; of equal ones the first by name."""
        return -self.uncertainty.score, self.stem


@dataclass(frozen=True)
class Chosen:
    """`turn` is 1 for the first image of its group."""

    candidate: Candidate
    turn: int


@dataclass(frozen=True)
class Twin:
    """An image that was passed over, and the source that it looks like."""

    candidate: Candidate
    of: str


@dataclass(frozen=True)
class Choice:
    chosen: tuple[Chosen, ...]
    twins: tuple[Twin, ...]


FindTwin = Callable[[Candidate, Sequence[Candidate]], str | None]
"""From a candidate and what was chosen before to the source of its near-twin, None where it has none."""


def no_twins(_candidate: Candidate, _chosen: Sequence[Candidate]) -> None:
    """For where images are not compared."""


def choose(candidates: Iterable[Candidate], count: int, find_twin: FindTwin = no_twins) -> Choice:
    """At most `count` of the candidates: no group gives its second image before each other has given its first, and
    so on, in each turn the most uncertain first. A near-twin of what was chosen is passed over for the next of its
    group. The order of the candidates does not matter."""
    queues: defaultdict[str, list[tuple[tuple[float, str], Candidate]]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda each: each.order, reverse=True):
        queues[candidate.group].append((candidate.order, candidate))
    chosen: list[Chosen] = []
    twins: list[Twin] = []
    turn = 0
    while queues and len(chosen) < count:
        turn += 1
        heads = [(*queue.pop(), group) for group, queue in queues.items()]
        heapq.heapify(heads)
        while heads and len(chosen) < count:
            _, candidate, group = heapq.heappop(heads)
            twin = find_twin(candidate, [each.candidate for each in chosen])
            if twin is None:
                chosen.append(Chosen(candidate, turn))
                continue
            twins.append(Twin(candidate, twin))
            if queues[group]:
                heapq.heappush(heads, (*queues[group].pop(), group))
        queues = defaultdict(list, {group: queue for group, queue in queues.items() if queue})
    return Choice(tuple(chosen), tuple(twins))

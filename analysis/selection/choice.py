"""A choice among images: uncertain ones, drawn, one of each group in turn, of near-twins only one.

The most uncertain images are often of one kind, such as one view of every car; whoever labels just them teaches that
view alone. So images are drawn, with probabilities that are powers of their scores, after Kirsch et al. ("Stochastic
Batch Acquisition: A Simple Baseline for Deep Active Learning", arXiv:2106.12059): to draw so without putting back is to
sort by POWER x log(score) + Gumbel noise. The noise is made of a seed and the image's name, so that the same is chosen
again.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from analysis.selection.uncertainty import Uncertainty

POWER = 2.0
"""Of two images the one that is twice as uncertain is drawn 2^POWER times as often."""
_LEAST = 1e-6
"""Scores below this are alike: all sure."""


@dataclass(frozen=True)
class Candidate:
    """An image that may be chosen. `stem` tells it from all others, `source` is its path below the images' folder;
    `key` decides the order, the highest first."""

    stem: str
    source: str
    group: str
    uncertainty: Uncertainty
    key: float

    @property
    def order(self) -> tuple[float, str]:
        """Of equal keys the first by name."""
        return -self.key, self.stem


def drawn_key(score: float, stem: str, seed: int) -> float:
    """By which images are drawn with probabilities as score^POWER."""
    told = hashlib.sha256(f"{seed}:{stem}".encode()).digest()
    uniform = (int.from_bytes(told[:8], "big") + 0.5) / 2**64  # never 0 nor 1
    return POWER * math.log(max(score, _LEAST)) - math.log(-math.log(uniform))


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
    so on, in each turn by their keys. A near-twin of what was chosen is passed over for the next of its
    group. The order of the candidates does not matter."""
    queues: defaultdict[str, list[tuple[tuple[float, str], Candidate]]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda each: each.order, reverse=True):
        queues[candidate.group].append((candidate.order, candidate))
    taken: list[Candidate] = []
    chosen: list[Chosen] = []
    twins: list[Twin] = []
    turn = 0
    while queues and len(chosen) < count:
        turn += 1
        heads = [(*queue.pop(), group) for group, queue in queues.items()]
        heapq.heapify(heads)
        while heads and len(chosen) < count:
            _, candidate, group = heapq.heappop(heads)
            twin = find_twin(candidate, taken)
            if twin is None:
                taken.append(candidate)
                chosen.append(Chosen(candidate, turn))
                continue
            twins.append(Twin(candidate, twin))
            if queues[group]:
                heapq.heappush(heads, (*queues[group].pop(), group))
        queues = defaultdict(list, {group: queue for group, queue in queues.items() if queue})
    return Choice(tuple(chosen), tuple(twins))

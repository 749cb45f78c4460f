"""Peers timed in turns, so that what else the machine does strikes all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from formats.console import result


def fastest(peers: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least seconds of processor time each peer took, over so many rounds of one call each. Waiting
    for a processor that others hold is not counted."""
    least = dict.fromkeys(peers, float("inf"))
    for _ in range(rounds):
        for name, work in peers.items():
            start = time.process_time()
            work()
            least[name] = min(least[name], time.process_time() - start)
    return least


def tell(title: str, ours: str, peers: Mapping[str, Callable[[], object]], rounds: int) -> None:
    """Print each peer's milliseconds, and how many times as long as ours it took."""
    least = fastest(peers, rounds)
    result(f"\n{title}")
    for name, seconds in least.items():
        result(f"  {name:<44} {seconds * 1e3:9.2f} ms  {seconds / least[ours]:6.1f} x")

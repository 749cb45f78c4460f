"""How sure the share of true objects that were found is, and from which size on half of them are."""

from __future__ import annotations

import math
from collections.abc import Sequence

_Z = 1.959963984540054
"""The normal distribution's quantile of 0.975."""
HALF = 0.5


def wilson(found: int, objects: int) -> tuple[float, float] | None:
    """The 95 % score interval of a share (E. B. Wilson, JASA 1927); None of no objects. Objects count as independent,
    which those of one image are not quite: it is narrow rather than wide."""
    if not objects:
        return None
    share, square = found / objects, _Z**2 / objects
    middle = (share + square / 2) / (1 + square)
    reach = _Z / (1 + square) * math.sqrt(share * (1 - share) / objects + square / (4 * objects))
    # rounding never leaves the share itself outside
    return max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach))


def half_found_from(bins: Sequence[tuple[int, int, int]]) -> int | None:
    """The fewest pixels from which on every bin that has objects has at least half of them found; None where the bin of
    the largest objects has not. `bins` are fewest pixels, objects and found, rising."""
    least = None
    for pixels, objects, found in reversed(bins):
        if objects and found < HALF * objects:
            break
        least = pixels if objects else least
    return least

"""An interval of a share by a plain formula."""

from __future__ import annotations

import numpy as np


def score_interval(found: int, objects: int) -> list[float] | None:
    """The shares p that the score test does not refuse: (p - found / objects)² = z² p (1 - p) / objects at its ends."""
    if not objects:
        return None
    share, square = found / objects, 1.959963984540054**2 / objects
    return sorted(float(root.real) for root in np.roots([1 + square, -2 * share - square, share**2]))

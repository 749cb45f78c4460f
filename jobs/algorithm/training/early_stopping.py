"""When a training ends before its last epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.contract.hyperparameters import Hyperparameters


def should_stop(scores: Sequence[float], settings: Hyperparameters) -> bool:
    """Whether training ends after the epochs that gave these validation mIOUs.

    An epoch counts as a gain when it beats the best before it by more than the tolerance, relative
    to that best. After early_stopping_patience epochs in a row without one, training ends, though
    never before early_stopping_min_epochs.
    """
    best, stale = -math.inf, 0
    for score in scores:
        gained = best == -math.inf or score > best * (1 + settings.early_stopping_tolerance)
        stale = 0 if gained else stale + 1
        best = score if gained else best
    return len(scores) >= settings.early_stopping_min_epochs and stale >= settings.early_stopping_patience

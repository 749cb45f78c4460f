"""When this program began. Imported early by `jobs.algorithm.__main__`, before all that takes time."""

from __future__ import annotations

import time

_STARTED = time.monotonic()


def seconds_since_start() -> float:
    """Since this module was first imported."""
    return time.monotonic() - _STARTED

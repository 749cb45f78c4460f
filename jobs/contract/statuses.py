"""The statuses that training, tuning and transform jobs share; an endpoint has others."""

from __future__ import annotations

from typing import Literal, get_args

Ended = Literal["Completed", "Failed", "Stopped"]
ENDED: tuple[Ended, ...] = get_args(Ended)
RUNNING = ("InProgress", "Stopping")

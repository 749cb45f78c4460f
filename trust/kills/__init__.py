"""Kills: every verb that writes is killed at points spread over its run, and typed again."""

from __future__ import annotations

from collections.abc import Iterator

from trust.outcome import Outcome


def trial(*, short: bool) -> Iterator[Outcome]:
    """The outcomes by kind of verb."""
    from trust.kills.course import outcomes

    yield from outcomes(short=short)

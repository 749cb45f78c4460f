"""What is paid for: every request of every verb that creates or deletes, lost, refused, failed, interrupted, killed."""

from __future__ import annotations

from collections.abc import Iterator

from trust.outcome import Outcome


def trial(*, short: bool) -> Iterator[Outcome]:
    """One line for each verb."""
    from trust.billing.trying import try_all

    yield from try_all(short=short)

"""Damaged input over every parser: each input is read, or refused in one line that names its file."""

from __future__ import annotations

from collections.abc import Iterator

from trust.outcome import Outcome


def trial(*, short: bool) -> Iterator[Outcome]:
    """The part of the trial: every target's corpus, and fresh damage for as long as its turn is."""
    from trust.damage import search  # it imports modules of this package

    yield from search.trial(short=short)

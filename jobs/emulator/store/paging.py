"""The opaque tokens with which lists are continued: where the last page ended."""

from __future__ import annotations

import base64
import json
from typing import Any

from jobs.emulator.api.faults import ServiceError


def make_token(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(token: str, length: int, refusal: ServiceError) -> list[Any]:
    """The place that `make_token` was given, a list of `length`. Raises the refusal for a token that was
    never given."""
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, RecursionError):
        raise refusal from None
    if not isinstance(place, list) or len(place) != length or not all(map(_is_bindable, place)):
        raise refusal
    return place


def _is_bindable(item: Any) -> bool:
    """Whether SQLite can take the value as a parameter."""
    return isinstance(item, str | float) or (isinstance(item, int) and abs(item) < 2**63)

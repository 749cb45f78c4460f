"""The opaque tokens with which lists are continued: where the last page ended."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def make_token(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_token(token: str, length: int) -> list[Any] | None:
    """The place that `make_token` was given, a list of `length`; None when it is no such token."""
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error, RecursionError):
        return None
    whole = isinstance(place, list) and len(place) == length
    return place if whole and all(map(_is_bindable, place)) else None


def _is_bindable(item: Any) -> bool:
    """Whether SQLite can take the value as a parameter."""
    return isinstance(item, str | float) or (isinstance(item, int) and abs(item) < 2**63)

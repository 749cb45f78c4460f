"""The opaque tokens with which lists are continued: where the last page ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from jobs.emulator.api.faults import ServiceError

DEFAULT_PAGE = 10


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


def cut_page(found: Sequence[Any], request: dict[str, Any], refusal: ServiceError) -> tuple[list[Any], str | None]:
    """The page of a list that a request asks for, by its MaxResults and NextToken, and the token of the next, if there
    is one. Raises the refusal for a token that was never given."""
    start = 0
    if "NextToken" in request:
        (start,) = read_token(request["NextToken"], 1, refusal)
        if type(start) is not int or start < 0:
            raise refusal
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    return list(found[start:end]), make_token([end]) if end < len(found) else None

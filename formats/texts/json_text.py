"""JSON as the standard has it: other programs refuse the NaN and Infinity that Python writes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from formats.redaction import redact_values


def format_json(value: Any, *, ascii_only: bool = False) -> str:
    """A value as indented JSON, without secrets. A number that is none (nan), or endless, is `null`; a time is its
    text."""
    return json.dumps(_defined(redact_values(value)), indent=2, ensure_ascii=ascii_only, allow_nan=False, default=_text)


def _defined(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _defined(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_defined(inner) for inner in value]
    return value


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")

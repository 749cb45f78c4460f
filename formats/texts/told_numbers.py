"""Numbers in texts that people or other programs wrote."""

from __future__ import annotations

import math
import re


def parse_number(text: str) -> float:
    """A number; nan, which is in no range, for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def parse_whole(text: str) -> int | None:
    """A whole number in digits; None for what is none, or is longer than any count."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None

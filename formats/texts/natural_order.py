"""Names in the order in which people count: frame_9 before frame_10."""

from __future__ import annotations

import re


def natural_key(name: str) -> list[tuple[int, str]]:
    """A key for `sorted`: whole numbers inside a text count as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

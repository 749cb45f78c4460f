"""The words that commands of this room take; light, so that --help loads nothing."""

from __future__ import annotations

from enum import StrEnum


class How(StrEnum):
    """How overlapping crops become one mask."""

    BLEND = "blend"
    INNER = "inner"


class Rule(StrEnum):
    """How several predictions become one."""

    MEAN = "mean"
    MAJORITY = "majority"

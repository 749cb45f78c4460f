"""A --group-by that would keep near-twins on one side of the split, found from the images' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_CANDIDATES = (
    r"^(.+?)(?:[_-][A-Za-z]+\d*)?$",  # scene_12, scene_12_flip, scene_12_aug3
    r"^(.+?)(?: ?\(\d+\)| copy.*)?$",  # scene (1), scene copy
    r"^(.+?)[_-]?\d+$",  # clip_000120
    r"^(.+?)[_-]?\d+[_-]?\D+$",  # clip_000120_left
    r"^\d+[_-](.+)$",  # 000120_clip
    r"^(.+)[_-]",
    r"^([^_-]+)[_-]",
)
"""What names of images that belong together have in common."""


_BLOCKS = (*(rf"^(.+)\d{{{digits}}}$" for digits in range(6, 1, -1)), r"^(.+)\d$")
"""Blocks of a numbered run, long ones first: where names tell no scenes apart, numbers may."""
_FEWEST_BLOCKS = 5


def suggest_group_by(stems: Sequence[str], groups: Sequence[str], twins: Iterable[tuple[int, int]]) -> str | None:
    """A pattern that finds a group in each stem, keeps the two of each pair of `twins` (places in `stems`) together,
    and divides none of the `groups` that there are, one a stem. Of the patterns of names the one that gives most
    groups, two at least; else the longest blocks of numbers."""
    pairs = list(twins)

    def groups_by(pattern: str) -> int:
        captured = _captures(pattern, stems)
        together = captured and all(captured[a] == captured[b] for a, b in pairs)
        return len(set(captured)) if together and not _divides(captured, groups) else 0

    best = max(_CANDIDATES, key=groups_by)
    if groups_by(best) > 1:
        return best
    return next((pattern for pattern in _BLOCKS if groups_by(pattern) >= _FEWEST_BLOCKS), None)


def _captures(pattern: str, stems: Sequence[str]) -> list[str]:
    """The group of each stem; none at all where a stem has none."""
    matches = [re.search(pattern, stem) for stem in stems]
    return [match[1] for match in matches if match] if all(matches) else []


def _divides(captured: Sequence[str], groups: Sequence[str]) -> bool:
    first: Mapping[str, str] = dict(zip(groups, captured, strict=True))
    return any(first[group] != own for group, own in zip(groups, captured, strict=True))

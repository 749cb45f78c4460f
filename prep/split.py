"""The split: whole groups go to train, val or test."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from formats.dataset import SPLITS
from formats.errors import SagesegError


def rank(seed: int, name: str) -> str:
    """A seeded order that does not depend on what else there is: sha256 of seed and name."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def assign_groups(
    groups: Iterable[str], *, seed: int, val: float, test: float, fixed: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Assign each group to a split: a dictionary in order of group names.

    `val` and `test` below 1 are shares of the groups, rounded, at least one group if above 0;
    from 1 on they count groups. Groups in `fixed` stay where they are. Raises SagesegError when no
    group would be left to train on.
    """
    names = sorted(set(groups))
    assigned = {name: split for name, split in (fixed or {}).items() if name in names}
    drawn = [name for name in sorted(names, key=lambda name: rank(seed, name)) if name not in assigned]
    for split, part in (("val", val), ("test", test)):
        wanted = _count(part, len(names)) - Counter(assigned.values())[split]
        assigned |= dict.fromkeys(drawn[: max(wanted, 0)], split)
        drawn = drawn[max(wanted, 0) :]
    assigned |= dict.fromkeys(drawn, "train")
    if "train" not in assigned.values():
        raise SagesegError(
            f"split: {len(names)} group(s) ({', '.join(names[:3])}) cannot give val {val:g} and test {test:g} "
            "and leave one to train on; lower --val and --test, or add groups"
        )
    return {name: assigned[name] for name in names}


def _count(part: float, groups: int) -> int:
    if part >= 1:
        return int(part)
    return max(1, round(part * groups)) if part > 0 else 0


def read_split_file(path: Path) -> dict[str, str]:
    """The assignment group → split of an earlier split.json."""
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
        wrong = [(name, split) for name, split in groups.items() if split not in SPLITS]
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected the split.json of a dataset") from e
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise SagesegError(f'{path}: not a split file; expected JSON with "groups": {{group: split}}') from e
    if wrong:
        raise SagesegError(f"{path}: group {wrong[0][0]} is in {wrong[0][1]!r}; expected {', '.join(SPLITS)}")
    return dict(groups)

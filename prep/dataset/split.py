"""The split: whole groups go to train, val or test."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.console import say
from formats.dataset import SPLITS
from formats.errors import SagesegError, raise_all
from formats.prepared.source_names import composed
from formats.texts.given_files import read_json

DEALS = 64


def rank(seed: int, name: str) -> str:
    """A seeded order that does not depend on what else there is: sha256 of seed and name."""
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


@dataclass(frozen=True)
class Foreground:
    """Pixels of a group: those of the foreground, and all that are not ignored."""

    pixels: int
    counted: int

    def __add__(self, other: Foreground) -> Foreground:
        return Foreground(self.pixels + other.pixels, self.counted + other.counted)

    @property
    def share(self) -> float:
        return self.pixels / self.counted if self.counted else 0.0


NO_FOREGROUND = Foreground(0, 0)


def assign_groups(
    groups: Iterable[str],
    *,
    seed: int,
    val: float,
    test: float,
    fixed: Mapping[str, str] | None = None,
    foreground: Mapping[str, Foreground] | None = None,
) -> dict[str, str]:
    """Assign each group to a split: a dictionary in order of group names.

    `val` and `test` below 1 are shares of the groups, rounded, at least one group if above 0;
    from 1 on they count groups. Groups in `fixed` stay where they are. With `foreground`, of every
    group, groups are dealt so that the splits have like shares of it. Raises SagesegError when no
    group would be left to train on.
    """
    names = sorted(set(groups))
    assigned = {name: split for name, split in (fixed or {}).items() if name in names}
    drawn = [name for name in sorted(names, key=lambda name: rank(seed, name)) if name not in assigned]
    for split, part in (("val", val), ("test", test)):
        wanted = max(_count(part, len(names)) - Counter(assigned.values())[split], 0)
        chosen = _deal(drawn, wanted, seed, foreground) if foreground else drawn[:wanted]
        assigned |= dict.fromkeys(chosen, split)
        drawn = [name for name in drawn if name not in assigned]
    assigned |= dict.fromkeys(drawn, "train")
    if "train" not in assigned.values():
        if len(names) == 1 and not fixed:
            raise SagesegError(
                f"split: all images are of one group, {names[0]}, never divided: val {val:g} and test {test:g} "
                "leave none to train on; add images of other groups, or keep all to train on: --val 0; where they show "
                r"several things after all, say with --group-by which (such as '_(\d+)$', a number at the names' end)"
            )
        raise SagesegError(
            f"split: {len(names)} group(s) ({', '.join(names[:3])}) cannot give val {val:g} and test {test:g} "
            "and leave one to train on; lower --val and --test, add groups, or divide them otherwise with --group-by"
        )
    return {name: assigned[name] for name in names}


def _deal(drawn: Sequence[str], wanted: int, seed: int, foreground: Mapping[str, Foreground]) -> list[str]:
    """Order the groups by their share of foreground, cut the row into `wanted` parts, take one group
    of each; of DEALS seeded ways to do so, the one whose share is nearest to that of all groups."""
    wanted = min(wanted, len(drawn))
    ordered = sorted(drawn, key=lambda name: foreground[name].share)
    parts = [ordered[i * len(ordered) // wanted : (i + 1) * len(ordered) // wanted] for i in range(wanted)]
    target = sum(foreground.values(), NO_FOREGROUND).share

    def deal(number: int) -> list[str]:
        return [min(part, key=lambda name: rank(seed, f"{number}:{name}")) for part in parts]

    def distance(chosen: list[str]) -> float:
        return abs(sum((foreground[name] for name in chosen), NO_FOREGROUND).share - target)

    return min(map(deal, range(DEALS)), key=distance)


def _count(part: float, groups: int) -> int:
    if part >= 1:
        return int(part)
    return max(1, round(part * groups)) if part > 0 else 0


def kept_assignment(path: Path, groups: Collection[str]) -> dict[str, str]:
    """What an earlier split.json says of these groups; how many it knows is said where that is not all.

    Raises SagesegError where it knows none: then it was made with other groups, and all would be drawn anew.
    """
    told = {composed(name): split for name, split in read_split_file(path).items()}
    known = {name: told[composed(name)] for name in groups if composed(name) in told}
    if not known:
        raise SagesegError(
            f"{path}: names none of these groups: they are such as {min(groups)}, its own such as "
            f"{min(told, default='nothing')}; pass the --group-by with which it was made, or leave it out"
        )
    if len(known) < len(groups):
        say(f"note: {path}: {len(known)} of {len(groups)} groups keep their split; the others are drawn")
    return known


def read_split_file(path: Path) -> dict[str, str]:
    """The assignment group → split of an earlier split.json."""
    try:
        groups = read_json(path, "the split.json of a dataset")["groups"]
        wrong = [(name, split) for name, split in groups.items() if split not in SPLITS]
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected the split.json of a dataset") from e
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise SagesegError(f'{path}: not a split file; expected JSON with "groups": {{group: split}}') from e
    raise_all(
        SagesegError(f"{path}: group {name} is in {split!r}; expected {', '.join(SPLITS)}") for name, split in wrong
    )
    return dict(groups)

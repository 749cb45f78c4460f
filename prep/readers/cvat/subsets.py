"""The subsets of CVAT's tasks, Train, Validation and Test or words of one's own, as a split."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from formats.errors import SagesegError
from prep.readers.splits import LEFT_OUT, UNDIVIDED, likely_split, role_of


@dataclass(frozen=True)
class Subsets:
    """The split of each subset by its name, none at all where they are no split; `undecided` tells why. Images of
    subsets in `left_out` are not wanted."""

    splits: dict[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    undecided: str = ""


def settle_subsets(names: Collection[str], asked: Mapping[str, str], where: str) -> Subsets:
    """What the subsets of a file's images are; "" and names such as default are no split. `asked` is what --image-set
    says, split (or none, to leave it out) by subset.

    Raises SagesegError for a subset whose name says no split, and where some images are in a split and others in none.
    """
    unknown = sorted(set(asked) - set(names))
    if unknown:
        there = ", ".join(sorted(filter(None, names))) or "none"
        raise SagesegError(f"--image-set {unknown[0]}: expected one of the subsets of {where}, which has {there}")
    roles = {name: asked.get(name) or _role(name, where) for name in sorted(names)}
    left_out = frozenset(name for name, role in roles.items() if role == LEFT_OUT)
    kept = {name: role for name, role in roles.items() if role != LEFT_OUT}
    if not kept:
        raise SagesegError(f"{where}: --image-set leaves all its images out; keep some")
    found = set(kept.values())
    if found == {UNDIVIDED}:
        return Subsets(left_out=left_out)
    if UNDIVIDED in found:
        raise _partly(next(name for name, role in kept.items() if role == UNDIVIDED), where)
    if len(found) == 1:
        told = " and ".join(kept)
        return Subsets(
            left_out=left_out, undecided=f"{where}: only the subset {told} is there, so no image is for another split"
        )
    if "train" not in found:
        raise SagesegError(f"{where}: no subset is of train; name one with --image-set NAME=train")
    return Subsets(kept, left_out)


def _role(name: str, where: str) -> str:
    role = role_of(name) if name else UNDIVIDED
    if not role:
        raise SagesegError(
            f"{where}: subset {name}: no split by its name; say what it is with --image-set "
            f"{name}={likely_split(name)} (train, val, test, or {LEFT_OUT} to leave it out)"
        )
    return role


def _partly(name: str, where: str) -> SagesegError:
    mend = f"say what it is with --image-set {name}=train" if name else "give their task a subset in CVAT"
    of = f"of the subset {name}" if name else "without a subset"
    return SagesegError(f"{where}: images {of} are in no split, and others are in one; {mend}")

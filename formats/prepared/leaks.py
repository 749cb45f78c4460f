"""What a split leaks, a part of split.json: images of val and test that have a sibling or a near-twin in train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from formats.dataset import split_path
from formats.errors import SagesegError
from formats.texts.given_files import read_json

VALIDATED = ("val", "test")
"""The splits that scores are taken on."""
_NAMES = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class Leak:
    """How many of a split's images have in train a sibling by the groups that were split, one by the reader's own
    groups alone, or, of the others, a near-twin; `leaked` is all of them."""

    images: int
    with_sibling: int
    with_own_sibling: int
    with_twin: int

    @property
    def leaked(self) -> int:
        return self.with_sibling + self.with_own_sibling + self.with_twin


@dataclass(frozen=True)
class Leaks:
    """`splits` is by split, for those with images. `unit` is what the reader's own groups are, such as a car;
    `group_by` a --group-by that would keep the twins together, where one was found."""

    splits: Mapping[str, Leak]
    unit: str
    group_by: str | None


@dataclass(frozen=True)
class LeakNote:
    """What is wrong, and the next step."""

    message: str
    cure: str


def leak_to_json(leak: Leak) -> dict[str, int]:
    return asdict(leak) | {"leaked": leak.leaked}


def leaks_to_json(leaks: Leaks) -> dict[str, Any]:
    return {
        "unit": leaks.unit,
        "group_by": leaks.group_by,
        "this_split": {split: leak_to_json(leak) for split, leak in leaks.splits.items()},
    }


def read_leaks(root: Path) -> Leaks:
    """The leaks of a dataset's certificate. Raises SagesegError where they are not to be found."""
    path = split_path(root)
    try:
        found = read_json(path, "JSON that prep wrote")["leak"]
        splits = {split: _leak_from(own) for split, own in found["this_split"].items()}
        return Leaks(splits, found["unit"], found["group_by"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise SagesegError(f"{path}: says nothing of siblings and near-twins across splits; prepare it again") from e


def _leak_from(content: Mapping[str, int]) -> Leak:
    return Leak(*(int(content[name]) for name in ("images", "with_sibling", "with_own_sibling", "with_twin")))


def leak_notes(leaks: Leaks, *, regrouped: bool) -> Iterator[LeakNote]:
    """What a person must know before scores are believed; `regrouped` where --group-by replaced the reader's groups."""
    for split, leak in leaks.splits.items():
        of_all = f"of {leak.images} {_NAMES[split]} images"
        siblings = leak.with_sibling + leak.with_own_sibling
        if siblings:
            message = f"{siblings} {of_all} have a sibling of the same {leaks.unit} in train: scores would be too good"
            yield LeakNote(message, _cure_of_siblings(leaks.unit, regrouped))
        if leak.with_twin:
            message = f"{leak.with_twin} {of_all} have a near-twin in train (split.json): scores would be too good"
            yield LeakNote(message, _cure_of_twins(leaks.group_by))


def _cure_of_siblings(unit: str, regrouped: bool) -> str:
    if regrouped:
        return (
            f"prepare again without --group-by, or with one whose capture is the same for all of a {unit}; where all "
            f"images are of one {unit}, add others"
        )
    return f"the lists of the split divide a {unit}; list its images together, or draw a split without the lists"


def _cure_of_twins(group_by: str | None) -> str:
    if group_by:
        return f"if they show one scene, prepare again with --group-by '{group_by}', which keeps them together"
    return (
        "if they show one scene, keep them together: by --group-by, whose capture in the names they must share, or "
        "by --split-file; frames that prep frames takes from a video are named so that their time blocks stay whole"
    )

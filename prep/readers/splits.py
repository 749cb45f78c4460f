"""The split that a source brings along: its words, and the groups that it must not divide."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from formats.console import say
from formats.dataset import SPLITS
from formats.errors import Faults, SagesegError, for_all, raise_all
from formats.prepared.groups import group_of_path

SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate"),
    "test": ("test", "testing"),
}
LEFT_OUT, UNDIVIDED = "none", "choice"
"""What a list can be beside a split: left out, as --image-set says it, or a choice of images without split."""
ROLE_WORDS = {**SPLIT_WORDS, UNDIVIDED: ("trainval", "train_val", "trainvaltest", "default", "all")}
_SPLIT_OF = {word: split for split, words in SPLIT_WORDS.items() for word in words}


def split_of_word(word: str) -> str:
    """The split that the name of a list or folder says in any letter case, "" where it says none."""
    return _SPLIT_OF.get(word.casefold(), "")


def role_of(name: str) -> str:
    """The split that a list or subset is by its name, UNDIVIDED for one of all, "" where the name says nothing."""
    return UNDIVIDED if name.casefold() in ROLE_WORDS[UNDIVIDED] else split_of_word(name)


def likely_split(stem: str) -> str:
    """The split whose name stands in a list's; `val` where none does."""
    return next((split for split in SPLITS if split in stem.casefold()), "val")


def image_groups(
    paths: Mapping[str, str], splits: Mapping[str, str], group_by: re.Pattern[str] | None
) -> dict[str, str]:
    """The group of each image by its key, from its path below the folder of all images. Where lists divide a group that
    nobody asked for, its images are groups."""
    found = for_all(lambda path: group_of_path(PurePosixPath(path), group_by), paths.values())
    groups = dict(zip(paths, found, strict=True))
    if group_by:
        return groups
    groups = {key: key if group == paths[key] else group for key, group in groups.items()}
    parts: dict[str, set[str]] = defaultdict(set)
    for key, split in splits.items():
        parts[groups[key]].add(split)
    divided = sorted(group for group, own in parts.items() if len(own) > 1)
    if not divided:
        return groups
    say(
        f"note: {len(divided)} group(s), such as {divided[0]}, are divided between splits by the lists; each of their "
        "images is a group of its own, though they may look alike"
    )
    return {key: key if group in divided else group for key, group in groups.items()}


def splits_of_images(named: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The split of each image, from all that lists name: the place, the image and the split. Raises SagesegError for
    images that are named twice."""
    splits: dict[str, str] = {}
    faults = Faults()
    for place, image, split in named:
        if image in splits:
            faults.add(SagesegError(f"{place}: {image} stands in {splits[image]} already; remove one line"))
        splits.setdefault(image, split)
    faults.check()
    return splits


def splits_of_groups(splits: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """The split of each group, from those of its images. Raises SagesegError where lists tear a
    group apart."""
    found: dict[str, str] = {}
    torn = [stem for stem, split in splits.items() if found.setdefault(groups[stem], split) != split]
    raise_all(
        SagesegError(
            f"{stem}: the lists put it into {splits[stem]}, and others of its group {groups[stem]} into "
            f"{found[groups[stem]]}; change the lists or --group-by"
        )
        for stem in torn
    )
    return found


def parse_image_sets(texts: Iterable[str]) -> dict[str, str]:
    """What --image-set says: `Mine=val`, several after another or with commas between."""
    asked: dict[str, str] = {}
    for part in (part for text in texts for part in re.split(r",(?=[^,=]*=)", text)):
        name, _, role = part.rpartition("=")
        if not name or role not in (*SPLITS, LEFT_OUT):
            raise SagesegError(f"--image-set {part}: expected NAME=SPLIT, of {', '.join(SPLITS)} and {LEFT_OUT}")
        asked[name.strip()] = role
    return asked

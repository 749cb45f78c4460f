"""Lists of images by split that a source brings along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from formats.errors import SagesegError
from prep.readers.source_files import read_text

_PAIR = re.compile(r"(\S+\.(?:png|jpe?g))\s+\S+\.png", re.IGNORECASE)
"""KittiSeg's line: an image and its mask."""
SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate"),
    "test": ("test", "testing"),
}
_SPLIT_OF = {word: split for split, words in SPLIT_WORDS.items() for word in words}


def read_image_sets(lists: Mapping[str, Path]) -> dict[str, str]:
    """The split of each image, by its stem. A line is a stem, or an image and its mask.

    Raises SagesegError for an image in two lists, or twice in one.
    """
    splits: dict[str, str] = {}
    for split, path in lists.items():
        for number, stem in _stems(path):
            if stem in splits:
                raise SagesegError(f"{path}: line {number}: {stem} stands in {splits[stem]} already; remove one line")
            splits[stem] = split
    return splits


def _stems(path: Path) -> list[tuple[int, str]]:
    lines = read_text(path, "one image per line").splitlines()
    return [(number, _stem(line)) for number, line in enumerate(lines, start=1) if line.strip()]


def _stem(line: str) -> str:
    pair = _PAIR.fullmatch(line.strip())
    name = Path(pair[1] if pair else line.strip()).name
    # VOC's lists have stems, which may hold dots and spaces; KittiSeg's have files
    return Path(name).stem if name.lower().endswith((".png", ".jpg", ".jpeg")) else name


def split_of_word(word: str) -> str:
    """The split that the name of a list or folder says in any letter case, "" where it says none."""
    return _SPLIT_OF.get(word.casefold(), "")


def splits_of_groups(splits: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """The split of each group, from those of its images. Raises SagesegError where lists tear a
    group apart."""
    found: dict[str, str] = {}
    for stem, split in splits.items():
        group = groups[stem]
        if found.setdefault(group, split) != split:
            raise SagesegError(
                f"{stem}: the lists put it into {split}, and others of its group {group} into {found[group]}; "
                "change the lists or --group-by"
            )
    return found

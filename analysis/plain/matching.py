"""Masks and images of one name, or of names that differ in words such as _mask and _pred."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError
from formats.prepared.source_names import composed

_WORDS = (
    "masks?|preds?|predict|predictions?|predicted|segs?|segm|segmentation|labels?|labelids|labeltrainids|trainids|ids|"
    "gt|gtfine|gtcoarse|colou?rs?|rgb|groundtruth|ground_truth|truth|target|outputs?|out|result"
)
_LAST = re.compile(rf"(?P<name>.+)[_\-. ](?:{_WORDS}|leftimg8bit|0000)", re.IGNORECASE)
_FIRST = re.compile(rf"(?:{_WORDS}|images?|img)[_\-. ](?P<name>.+)", re.IGNORECASE)


def bare(name: str) -> str:
    """A name without the words that say of what kind the file is: `a` of `a_pred` and of `pred_a`; `0000` is what
    nnU-Net appends to images."""
    while match := _LAST.fullmatch(name) or _FIRST.fullmatch(name):
        name = match["name"]
    return name


def bare_path(key: str) -> str:
    """A path (with `/`, without suffix) whose name is bare."""
    return PurePosixPath(key).with_name(bare(PurePosixPath(key).name)).as_posix()


def images_called(keys: Sequence[str]) -> list[str]:
    """What the images of masks are taken to be called where no folder tells: their bare paths, but the masks' own where
    two would be called alike."""
    called = [bare_path(key) for key in keys]
    return called if len(set(called)) == len(called) else list(keys)


def _stem(key: str) -> str:
    return PurePosixPath(key).name


def _bare_stem(key: str) -> str:
    return bare(_stem(key))


def _whole(key: str) -> str:
    return key


_READINGS: tuple[Callable[[str], str], ...] = (_whole, bare_path, _stem, _bare_stem)
_STEPS = sorted(((one, other) for one in range(4) for other in range(4)), key=lambda step: (max(step), sum(step)))
"""Pairs of readings, the strictest first: paths that are equal, then bare ones, names, bare names."""


def match_names(root: Path, masks: Iterable[str], others: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Of each mask in `root`, by its key (its path with `/`, without suffix), the one of the `others`, each with its
    keys, that it fits; masks that fit none are absent. Raises SagesegError for two masks that fit one."""
    left = dict.fromkeys(masks)
    free = {other: [composed(key) for key in keys] for other, keys in others.items()}
    found: dict[str, str] = {}
    for one, other in _STEPS:
        by_name: dict[str, set[str]] = defaultdict(set)
        for name, keys in free.items():
            for key in keys:
                by_name[_READINGS[other](key)].add(name)
        taken: dict[str, str] = {}
        for mask in left:
            fitting = by_name.get(_READINGS[one](composed(mask)), set())
            if len(fitting) == 1:
                (name,) = fitting
                if name in taken:
                    raise SagesegError(f"{root}: {taken[name]} and {mask} both fit {name} by name; take one away")
                taken[name] = mask
        for name, mask in taken.items():
            found[mask] = name
            del left[mask], free[name]
    return found

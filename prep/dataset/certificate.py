"""split.json: the assignment of groups, and what there is to be known of it before it is trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from formats.alike.alignment import SIDE
from formats.alike.twins import LIMIT, Twins, find_twins
from formats.classes import ClassTable
from formats.dataset import SPLITS
from formats.prepared.leaks import VALIDATED, Leak, Leaks, leak_to_json, leaks_to_json
from prep.dataset.grouping import suggest_group_by
from prep.dataset.journal import ImageEntry
from prep.dataset.plan import Listed
from prep.dataset.split import rank
from prep.dataset.thumbnail_file import ThumbnailFile
from prep.options import PrepOptions

LISTED = 100
"""So many pairs of near-twins are listed, the most alike first; all are counted. An image stands in
one pair with each other split, beside its nearest there."""
_PAIRS_OF_SPLITS = (("val", "train"), ("test", "train"), ("test", "val"))


@dataclass
class Balance:
    """Counts of one split: images, pixels of each class and images with it, shape (classes,) int64,
    and ignored pixels. Whole images are counted, whatever crops were kept."""

    num_classes: int
    images: int = 0
    ignored: int = 0
    pixels: npt.NDArray[np.int64] = field(init=False)
    images_with: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.zeros(self.num_classes, np.int64)
        self.images_with = np.zeros(self.num_classes, np.int64)

    def add(self, entry: ImageEntry) -> None:
        self.images += 1
        self.ignored += entry.ignored
        self.pixels += entry.pixels
        self.images_with += np.asarray(entry.pixels) > 0

    def described(self, classes: ClassTable) -> dict[str, Any]:
        """Shares of the pixels that are not ignored, None where there are none."""
        counted = int(self.pixels.sum())
        shares = [_share(int(pixels), counted) for pixels in self.pixels]
        return {
            "images": self.images,
            "foreground": _share(counted - int(self.pixels[0]), counted),
            "ignored": _share(self.ignored, counted + self.ignored),
            "classes": {
                name: {"pixels": share, "images": int(images)}
                for name, share, images in zip(classes.names, shares, self.images_with, strict=True)
            },
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def certify(
    images: Sequence[Listed],
    groups: Mapping[str, str],
    balances: Mapping[str, Balance],
    thumbnails: ThumbnailFile,
    classes: ClassTable,
    options: PrepOptions,
    unit: str,
) -> tuple[dict[str, Any], Leaks]:
    """The content of split.json, and what of it must be told. `thumbnails` has one per image; `groups` maps group
    to split; `unit` is what the reader's own groups are."""
    splits = [groups[image.group] for image in images]
    places = {split: _places(splits, split) for split in SPLITS}
    found = {
        (a, b): list(find_twins(thumbnails, thumbnails.hashes, places[a], places[b], workers=options.workers))
        for a, b in _PAIRS_OF_SPLITS
    }
    pairs = sorted(chain.from_iterable(found.values()))
    with_twin = {split: {pair.a for pair in found[split, "train"]} for split in VALIDATED}
    leaks = Leaks(
        splits={split: _leak(images, splits, split, with_twin[split]) for split in VALIDATED if places[split]},
        unit=unit,
        group_by=_suggestion(images, pairs),
    )
    certificate = {
        "seed": options.seed,
        "stratified": options.stratify,
        "asked": {"val": options.val, "test": options.test},
        "got": {split: list(groups.values()).count(split) / len(groups) for split in SPLITS},
        "balance": {split: balances[split].described(classes) for split in SPLITS},
        "twins": {
            "limit": LIMIT,
            "found": len(pairs),
            "candidates": [_described(pair, images, splits) for pair in pairs[:LISTED]],
        },
        "leak": leaks_to_json(leaks)
        | {"random_split_by_image": leak_to_json(_random_leak(images, splits, thumbnails, options))},
        "groups": dict(groups),
    }
    return certificate, leaks


def _suggestion(images: Sequence[Listed], pairs: Sequence[Twins]) -> str | None:
    if not pairs:
        return None
    stems = [PurePosixPath(image.source).stem for image in images]
    return suggest_group_by(stems, [image.family for image in images], [(pair.a, pair.b) for pair in pairs])


def _places(splits: Sequence[str], split: str) -> list[int]:
    return [place for place, own in enumerate(splits) if own == split]


def _described(pair: Twins, images: Sequence[Listed], splits: Sequence[str]) -> dict[str, Any]:
    return {
        "images": [images[pair.a].source, images[pair.b].source],
        "splits": [splits[pair.a], splits[pair.b]],
        "difference": pair.difference,
        "shift": [round(pair.dx / SIDE, 4), round(pair.dy / SIDE, 4)],
        "zoom": pair.zoom,
        "mirrored": pair.mirrored,
    }


def _leak(images: Sequence[Listed], splits: Sequence[str], split: str, with_twin: set[int]) -> Leak:
    """How many images of `split` have a sibling, by their groups or by the reader's own, or a near-twin in train."""
    siblings = _with_sibling([image.group for image in images], splits, split)
    own = _with_sibling([image.family for image in images], splits, split) - siblings
    return Leak(splits.count(split), len(siblings), len(own), len(with_twin - siblings - own))


def _with_sibling(groups: Sequence[str], splits: Sequence[str], split: str) -> set[int]:
    trained = {group for group, own in zip(groups, splits, strict=True) if own == "train"}
    return {place for place in _places(splits, split) if groups[place] in trained}


def _random_leak(
    images: Sequence[Listed],
    splits: Sequence[str],
    thumbnails: ThumbnailFile,
    options: PrepOptions,
) -> Leak:
    """That of val, had as many images been dealt one by one, whatever their group."""
    order = sorted(range(len(images)), key=lambda place: rank(options.seed, images[place].source))
    shuffled = [""] * len(images)
    for place, split in zip(order, sorted(splits), strict=True):
        shuffled[place] = split
    alone = sorted(set(_places(shuffled, "val")) - _with_sibling([image.group for image in images], shuffled, "val"))
    trained = _places(shuffled, "train")
    twins = find_twins(thumbnails, thumbnails.hashes, alone, trained, workers=options.workers)
    return _leak(images, shuffled, "val", {pair.a for pair in twins})

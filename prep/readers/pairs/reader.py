"""Images and masks of equal stems, or of names that a pattern tells apart: the commonest layout of all.

What masks mean is the rule of docs/readers.md, "Class lists"; docs/sources/pairs.md shows the layouts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.dataset import SPLITS
from formats.prepared.groups import shared_group
from formats.prepared.source_names import composed
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.pairs.pairing import Folders, Pair, find_pairs
from prep.readers.pairs.patterns import CLASS, FILE, SPLIT, STEM, WHOLE, parse_pattern
from prep.readers.pairs.truth import PairOptions, check_options, given_list, settle_truth
from prep.readers.splits import image_groups, split_of_word, splits_of_groups


def read_pairs(
    images: Path,
    masks: Path,
    options: PairOptions,
    *,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read the images that have a mask. Folders named train, val and test on both sides are the split.

    Raises SagesegError where nothing pairs, for a mask without image, and for masks that do not fit their class list.
    """
    check_options(options)
    image_name = parse_pattern(options.image_name, "--image-name", (STEM, SPLIT)) if options.image_name else WHOLE
    known = (STEM, FILE, CLASS, SPLIT)
    mask_name = parse_pattern(options.mask_name, "--mask-name", known) if options.mask_name else WHOLE
    folders = Folders(images, masks, image_name, mask_name)
    listed = given_list(options)
    pairs, left_out = find_pairs(folders, [composed(line.name) for line in listed.lines] if listed else ())
    truth = settle_truth(folders, pairs, listed, options, workers)
    splits, undecided = _folder_splits(pairs, folders)
    paths = {pair.key: _group_path(pair) for pair in pairs}
    groups = image_groups(paths, splits, group_by)
    labelled = (
        LabelledImage(
            pair.image.relative_to(images).as_posix(),
            pair.image,
            truth.masks[pair.key],
            groups[pair.key],
            truth.attributes.get(pair.key, {}),
            mask_is_final=pair.key in truth.final,
            own_group=shared_group(PurePosixPath(paths[pair.key])),
        )
        for pair in pairs
    )
    return Source(
        "pairs",
        truth.classes,
        tuple(sorted(labelled, key=lambda image: image.source)),
        splits_of_groups(splits, groups),
        undecided,
        truth.no_foreground,
        left_out=left_out,
    )


def _folder_splits(pairs: Sequence[Pair], folders: Folders) -> tuple[dict[str, str], str]:
    """The split of each pair by the first folders of both sides, and why they are none though some are so called."""
    told = {pair.key: {_split_of(pair.key), _split_of(pair.image_key)} for pair in pairs}
    found = set[str]().union(*told.values())
    where = f"{folders.images} and {folders.masks}"
    if found == {""}:
        return {}, ""
    unclear = [key for key, own in told.items() if len(own) > 1 or "" in own]
    if unclear:
        return {}, f"{where}: {unclear[0]} is not in one folder of {_named(found)} on both sides, as others are"
    if len(found) == 1:
        return {}, f"{where}: only folders of {min(found)} are there, so no image is for another split"
    if "train" not in found:
        return {}, f"{where}: no folder is of train, only of {_named(found)}"
    say(f"note: {where}: the folders of {_named(found)} are the split")
    return {key: min(own) for key, own in told.items()}, ""


def _named(splits: Collection[str]) -> str:
    return ", ".join(split for split in SPLITS if split in splits)


def _split_of(key: str) -> str:
    first, slash, _ = key.partition("/")
    return split_of_word(first) if slash else ""


def _group_path(pair: Pair) -> str:
    """The image's path as its key and name say it, without the folder of its split."""
    key = pair.image_key.partition("/")[2] if _split_of(pair.image_key) else pair.image_key
    return (PurePosixPath(key).parent / pair.image.stem).as_posix()

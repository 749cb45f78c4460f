"""What can be known to be wrong before a training is paid for: one function a rule.

The rules are those of the built-in algorithm's documentation and of its users' issues and logs; see
docs/check.md for where each is from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from formats.channels import CHANNELS, masks_channel
from formats.classes import BACKGROUND, labelmap
from formats.dataset import channel_path, labelmap_path, split_path
from formats.errors import SagesegError
from formats.prepared.leaks import leak_notes, read_leaks
from formats.prepared.padding import padded_pixels, padding_note
from formats.prepared.resize import recorded_resize
from formats.texts.given_files import read_text
from jobs.check.evidence import Evidence, error, warning
from jobs.check.files import Finding, PairFacts
from jobs.check.machine_rules import batch_is_under_the_gpus, gpu_memory_is_short, volume_is_small

ONE_SIZE = ("psp", "deeplab")
"""The algorithms whose networks are built for one size of image."""


def stems_collide(found: Evidence) -> Iterator[Finding]:
    """Ids become file names and S3 keys: they must differ by more than capital letters."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for row in found.dataset.rows:
        by_name[row.id.casefold()].append(row.id)
    for ids in by_name.values():
        if len(ids) > 1:
            message = f"{' and '.join(sorted(ids))} are one file name where capital letters do not count"
            yield error("stems", found.manifest, message, "rename the images and prepare again")


_CURES_OF_EMPTY = {
    "train": "prepare with a smaller --val and --test, or look at --keep-empty",
    "val": "prepare with --val 0.2, or look at --keep-empty-val; jobs train --validate-on train does without",
}


def splits_are_empty(found: Evidence) -> Iterator[Finding]:
    for split in CHANNELS:
        if not found.dataset.kept(split):
            message = f"no {split} image: the algorithm needs both train and val"
            yield error("split", found.manifest, message, _CURES_OF_EMPTY[split])


def groups_are_divided(found: Evidence) -> Iterator[Finding]:
    splits: dict[str, set[str]] = defaultdict(set)
    for row in found.dataset.rows:
        splits[row.group].add(row.split)
    for group, own in splits.items():
        if len(own) > 1:
            message = f"group {group} stands in {' and '.join(sorted(own))}; scores would be too good"
            yield error("group", found.manifest, message, "prepare again: a group is never divided")


def splits_leak(found: Evidence) -> Iterator[Finding]:
    """Images that scores are taken on, and that train has seen already: siblings by the reader's own groups,
    near-twins."""
    file = str(split_path(found.dataset.root))
    try:
        leaks = read_leaks(found.dataset.root)
    except SagesegError as e:
        message, _, cure = str(e).removeprefix(f"{file}: ").partition("; ")
        yield warning("leak", file, f"{message}, so that nobody knows whether val has been seen in train", cure)
        return
    regrouped = found.dataset.info.get("options", {}).get("group_by") is not None
    for note in leak_notes(leaks, regrouped=regrouped):
        yield warning("leak", file, note.message, note.cure)


def num_classes_differs(found: Evidence) -> Iterator[Finding]:
    asked, own = found.settings.num_classes, len(found.dataset.classes)
    if asked != own:
        message = f"num_classes {asked}, but labels.txt has {own}, the background among them"
        yield error("num_classes", str(found.dataset.root / "labels.txt"), message, f"use --num-classes {own}")


def label_map_differs(found: Evidence) -> Iterator[Finding]:
    """labelmap.txt is for other programs; a person who renames a class in labels.txt may not know of it."""
    path = labelmap_path(found.dataset.root)
    ours = labelmap(found.dataset.classes) or ""
    try:
        theirs = read_text(path, "a label map").splitlines() if path.is_file() else ours.splitlines()
    except SagesegError as e:
        message, _, cure = str(e).removeprefix(f"{path}: ").partition("; ")
        yield warning("labelmap", str(path), message, cure)
        return
    if theirs != ours.splitlines():
        message = "other classes or colours than labels.txt and the masks have: CVAT and Datumaro would read those"
        yield warning("labelmap", str(path), message, "change the names there too, or prepare again")


def batch_is_too_large(found: Evidence) -> Iterator[Finding]:
    batch, samples = found.settings.mini_batch_size, len(found.dataset.kept("train"))
    if samples and batch > samples:
        message = f"mini_batch_size {batch} is over the {samples} training images"
        yield error("batch", "mini_batch_size", message, f"use --mini-batch-size {samples} or less")


def one_size_networks(found: Evidence) -> Iterator[Finding]:
    """psp and deeplab break on whole images that are not crop_size: `Incompatible input shape`."""
    settings = found.settings
    crop = settings.rounded_crop_size
    if settings.algorithm not in ONE_SIZE:
        return
    others = {size: count for size, count in found.sizes("train", "val").items() if size != (crop, crop)}
    if not others:
        return
    (width, height), count = max(others.items(), key=lambda item: item[1])
    message = f"{sum(others.values())} images are not {crop}×{crop} (for example {count} of {width}×{height})"
    square = width if width == height else 512
    cure = f"use --crop-size {square}, and crops of {square} (prep --crop {square})"
    scored_whole = [size for size in found.sizes("val") if size != (crop, crop)]
    if settings.validation_mini_batch_size == 1 and scored_whole:
        message += f"; at validation_mini_batch_size 1, {settings.algorithm} scores whole images and fails on these"
        yield error("one_size", "crop_size", message, cure)
    else:
        message += f"; {settings.algorithm} has failed on such images"
        yield warning("one_size", "crop_size", message, cure)


def classes_are_missing(found: Evidence) -> Iterator[Finding]:
    """A class that one split lacks may come to it by another draw; one that all lack does not. Where every pixel is of
    an object, all lack the background, and that is as it should be."""
    splits = {split: [fact for fact in found.facts if fact.split == split] for split in CHANNELS}
    everywhere = _missing(found, found.facts)
    lacking = [name for name in everywhere if name != BACKGROUND]
    if found.facts and lacking:
        message = f"no split has a pixel of {', '.join(lacking)}"
        cure = "look whether the masks hold such pixels and how they are read, or shorten the class list"
        yield warning("class", found.manifest, message, cure)
    for split, own in splits.items():
        missing = [name for name in _missing(found, own) if name not in everywhere]
        if own and missing:
            message = f"{split} has no pixel of {', '.join(missing)}"
            yield warning("class", found.manifest, message, "try --stratify or another --seed, or label more images")


def _missing(found: Evidence, facts: Sequence[PairFacts]) -> list[str]:
    """The classes of which these pairs have no pixel."""
    present = frozenset[int]().union(*(fact.classes for fact in facts))
    return [name for class_id, name in enumerate(found.dataset.classes.names) if class_id not in present]


_LEAST_SEEN = 1 / 3
"""Of an image, by a training crop on average: GluonCV's own settings show 0.61, the built-in's defaults 0.21."""


def crop_size_wastes(found: Evidence) -> Iterator[Finding]:
    """A crop_size far under the images' size shows the network a small part of each, once an epoch. Somewhat under it,
    that is how crops are meant to vary."""
    sizes = found.sizes("train")
    crop = found.settings.rounded_crop_size
    if found.settings.algorithm in ONE_SIZE or not sizes:
        return
    (width, height), _ = sizes.most_common(1)[0]
    base = found.settings.base_size
    share = seen_share(crop, base, width, height)
    if crop < min(width, height) and share < _LEAST_SEEN:
        sizes_given = f"crop_size {found.settings.crop_size} with base_size {base} on images of {width}×{height}"
        message = f"{sizes_given} shows {share:.0%} of an image at a time, on average"
        side = min(width, height) // 8 * 8
        yield warning("crop_size", "crop_size", message, f"use --crop-size {side} --base-size {max(width, height)}")


def seen_share(crop: int, base: int, width: int, height: int) -> float:
    """The mean share of an image that a training crop shows: its long side becomes `base` × U(0.5, 2.0) pixels before
    `crop` × `crop` of it are cut."""
    scales = np.linspace(0.5, 2.0, 301) * base / max(width, height)
    return float(np.mean(np.minimum(1, crop / (scales * width)) * np.minimum(1, crop / (scales * height))))


def label_map_meets_ignore(found: Evidence) -> Iterator[Finding]:
    """Prep writes 255 where a crop reaches over its image, and takes masks of 0 and 255 for empty ones: a
    label map that makes a class of 255 makes one of that, too."""
    for split in CHANNELS:
        label_map = found.label_maps.of_split(split, len(found.dataset.classes)) if found.label_maps else None
        if not label_map or not label_map.makes_a_class_of_ignore:
            continue
        rows = [row for row in found.dataset.rows if row.split == split]
        padded = [row.id for row in rows if row.kept and padded_pixels(row, recorded_resize(found.dataset.info))]
        if padded:
            message = f"{label_map.source} makes a class of 255, with which {len(padded)} crops of {split} are padded"
            yield error("label_map", padded[0], message, "prepare with --crop none, or with a smaller --crop")
        dropped = sum(not row.kept for row in rows)
        if dropped:
            message = f"{label_map.source} makes a class of 255, and {dropped} crops of {split} were dropped as empty"
            cure = "prepare with --keep-empty 1 and --keep-empty-val 1"
            yield warning("label_map", found.manifest, f"{message} where they may hold it", cure)


def crops_are_padding(found: Evidence) -> Iterator[Finding]:
    """A batch of padding alone has no loss, and the algorithm sees black where it could see images."""
    padding = padding_note(found.dataset.rows, recorded_resize(found.dataset.info))
    if padding:
        yield warning("padding", found.manifest, *padding)


def channels_differ(found: Evidence) -> Iterator[Finding]:
    """The channels are what SageMaker reads; they must hold the split's pairs and nothing else."""
    for split, channel in CHANNELS.items():
        ids = {row.id for row in found.dataset.kept(split)}
        yield from _channel(channel_path(found.dataset.root, channel), {f"{i}.jpg" for i in ids})
        yield from _channel(channel_path(found.dataset.root, masks_channel(channel)), {f"{i}.png" for i in ids})


def _channel(folder: Path, expected: set[str]) -> Iterator[Finding]:
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(expected - present):
        yield error("channel", str(folder / name), "is missing from the channel", "prepare the dataset again")
    for name in sorted(present - expected):
        yield error("channel", str(folder / name), "belongs to no pair of this split", "remove it")


RULES = (
    stems_collide,
    splits_are_empty,
    groups_are_divided,
    splits_leak,
    channels_differ,
    num_classes_differs,
    label_map_differs,
    batch_is_too_large,
    one_size_networks,
    classes_are_missing,
    label_map_meets_ignore,
    crops_are_padding,
    crop_size_wastes,
    batch_is_under_the_gpus,
    gpu_memory_is_short,
    volume_is_small,
)

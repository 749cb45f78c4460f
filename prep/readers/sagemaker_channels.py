"""The folders that SageMaker's sample notebooks lay out: train, train_annotation, validation, validation_annotation."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from formats.channels import CHANNELS, masks_channel
from formats.console import say
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.groups import shared_group
from formats.texts.given_files import refuse_zip
from prep.readers.classes.class_masks import settle_masks
from prep.readers.classes.label_list import CLASS_LISTS, find_class_list, read_class_list
from prep.readers.labelled_image import LabelledImage, LeftOut, Source
from prep.readers.mask_pairs import files_by_key, masks_by_key, pair_images
from prep.readers.splits import image_groups, splits_of_groups

_FOLDERS = {**CHANNELS, "test": "test"}
"""The folder of each split's images; a test channel is nothing that the algorithm reads, but people keep one."""


def read_channels(
    root: Path,
    labels: Path | None = None,
    *,
    background: str | None = None,
    binary: bool = False,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read the channels' pairs; the folders are the split.

    `background` and `binary` are what the options of these names say. Raises SagesegError for what is missing, and for
    masks that do not fit the class list, or fit it in two ways.
    """
    pairs, splits, left_out = _pairs(root)
    _tell_others(root)
    listed = read_class_list(labels) if labels else find_class_list(root)
    if listed is None:
        raise SagesegError(
            f"{root}: no list of classes ({', '.join(CLASS_LISTS)}); name one with --labels: "
            "the name of each value of the masks, one per line from 0 on"
        )
    masks = [mask for _, mask in pairs.values()]
    settled = settle_masks(listed, masks, background=background, binary=binary, workers=workers)
    groups = image_groups({key: key.partition("/")[2] for key in pairs}, splits, group_by)
    labelled = tuple(
        LabelledImage(
            image.relative_to(root).as_posix(),
            image,
            settled.masks[mask],
            groups[key],
            mask_is_final=mask in settled.final,
            own_group=shared_group(PurePosixPath(key.partition("/")[2])),
        )
        for key, (image, mask) in pairs.items()
    )
    ordered = tuple(sorted(labelled, key=lambda image: image.source))
    return Source(
        "channels",
        settled.classes,
        ordered,
        splits_of_groups(splits, groups),
        no_foreground=settled.no_foreground,
        left_out=left_out,
    )


def _tell_others(root: Path) -> None:
    """Say which folders look like channels and are none."""
    known = {masks_channel(channel) for channel in _FOLDERS.values()}
    names = {path.name for path in root.iterdir() if path.is_dir()}
    others = sorted(name for name in names - known if name.endswith("_annotation"))
    if others:
        say(
            f"note: {root}: {', '.join(others)} left out, with the images beside; SageMaker's channels are called "
            f"{', '.join(sorted(CHANNELS.values()))}: rename the folders if they are these"
        )


def _pairs(root: Path) -> tuple[dict[str, tuple[Path, Path]], dict[str, str], tuple[LeftOut, ...]]:
    """Image and mask, and the split, by channel and key; and what is left out."""
    pairs: dict[str, tuple[Path, Path]] = {}
    splits: dict[str, str] = {}
    alone: tuple[LeftOut, ...] = ()
    for split, channel in _FOLDERS.items():
        folder = root / masks_channel(channel)
        if not folder.is_dir() and split != "train":
            if (root / channel).is_dir():
                say(f"note: {root / channel}: has no {folder.name} beside it and is left out")
            continue
        if not folder.is_dir():
            refuse_zip(root, "a folder of SageMaker's channels")
            raise SagesegError(f"{folder}: no such folder; expected SageMaker's channels")
        masks = masks_by_key(folder, "the masks of a channel")
        images, left_out = pair_images(
            masks, files_by_key(root / channel, IMAGE_SUFFIXES, "the images of a channel"), root / channel
        )
        alone += tuple(replace(each, reason=f"{each.reason} in {channel}") for each in left_out)
        pairs |= {f"{channel}/{key}": (images[key], mask) for key, mask in masks.items()}
        splits |= {f"{channel}/{key}": split for key in masks}
    if (root / "label_map").is_dir():
        say(f"note: {root / 'label_map'}: is not applied here; the classes are those of the masks")
    return pairs, splits, alone

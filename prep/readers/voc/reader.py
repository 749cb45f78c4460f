"""Pascal VOC's layout: JPEGImages, SegmentationClass, ImageSets/Segmentation, and folders in them.

How masks and class lists are read is the rule of docs/readers.md, "Class lists".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from formats.console import say
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.prepared.groups import shared_group
from prep.readers.classes.class_masks import settle_masks
from prep.readers.classes.label_list import CLASS_LISTS, VOC_2012, ClassList, find_class_list, read_class_list
from prep.readers.labelled_image import LabelledImage, Source, leave_out
from prep.readers.mask_pairs import files_by_key, masks_by_key, pair_images
from prep.readers.source_files import check_folder
from prep.readers.splits import image_groups, splits_of_groups
from prep.readers.voc.image_sets import read_voc_image_sets


def read_voc(
    root: Path,
    labels: Path | None = None,
    *,
    images: Path | None = None,
    background: str | None = None,
    binary: bool = False,
    image_sets: Mapping[str, str] | None = None,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read the images that have a mask and, where there are image sets, stand in one of them.

    `images` is where they lie if not in JPEGImages; `background`, `binary` and `image_sets` are what the options of
    these names say. Raises SagesegError for what is missing, and for masks and lists that can be read in two ways.
    """
    folder = root / "SegmentationClass"
    if root.is_file():
        check_folder(root, "one with VOC's SegmentationClass")
    if not folder.is_dir():
        raise SagesegError(f"{folder}: no such folder; expected VOC's SegmentationClass")
    there = masks_by_key(folder, "VOC's masks")
    sets = read_voc_image_sets(root, there, image_sets or {})
    masks = {key: path for key, path in there.items() if sets.chosen is None or key in sets.chosen}
    pairs, left_out = pair_images(masks, _images(root, images), images or root / "JPEGImages", unwanted=there)
    left_out += sets.left_out
    left_out += leave_out("masks in none of the image sets", [path for key, path in there.items() if key not in masks])
    listed = read_class_list(labels) if labels else find_class_list(root) or _vocs_own(root)
    settled = settle_masks(listed, list(masks.values()), background=background, binary=binary, workers=workers)
    groups = image_groups({key: key for key in masks}, sets.splits, group_by)
    labelled = (
        LabelledImage(
            pairs[key].relative_to(images or root).as_posix(),
            pairs[key],
            settled.masks[mask],
            groups[key],
            mask_is_final=mask in settled.final,
            own_group=shared_group(PurePosixPath(key)),
        )
        for key, mask in masks.items()
    )
    splits = splits_of_groups(sets.splits, groups)
    ordered = tuple(sorted(labelled, key=lambda image: image.source))
    return Source("voc", settled.classes, ordered, splits, sets.undecided, settled.no_foreground, left_out=left_out)


def _images(root: Path, images: Path | None) -> dict[str, list[Path]]:
    if images is None and not (root / "JPEGImages").is_dir():
        raise SagesegError(
            f"{root / 'JPEGImages'}: no such folder; name the folder of the images with --images (CVAT leaves them out "
            "unless it is told to save them)"
        )
    return files_by_key(images or root / "JPEGImages", IMAGE_SUFFIXES, "the images of the masks")


def _vocs_own(root: Path) -> ClassList:
    say(
        f"note: {root} has no list of classes ({', '.join(CLASS_LISTS)}); taking Pascal VOC 2012's twenty classes, "
        "until others are written there"
    )
    return VOC_2012

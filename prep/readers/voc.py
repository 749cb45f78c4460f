"""Pascal VOC's layout: JPEGImages, SegmentationClass, ImageSets/Segmentation.

Masks of mode P hold class ids (255 is ignore) and are kept as they are. Where a labelmap.txt lies
in the folder, as CVAT and Datumaro write it, masks hold its colours instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from formats.classes import BACKGROUND, ClassTable
from formats.console import say
from formats.dataset import SPLITS
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from formats.masks import Mask, check_values, read_mask
from formats.parallel import map_parallel
from prep.readers.colour_masks import ColourMask, mask_mode
from prep.readers.image_sets import read_image_sets, splits_of_groups
from prep.readers.label_list import VOC_2012, Labels, read_label_list, read_label_map
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.source_files import group_of, list_files

_EXPECTED = "VOC's folders JPEGImages and SegmentationClass"


@dataclass(frozen=True)
class IdMask:
    """A PNG whose values are class ids."""

    path: Path
    num_classes: int

    def read(self) -> Mask:
        mask = read_mask(self.path)
        check_values(mask, self.num_classes, self.path)
        return mask


def read_voc(
    root: Path,
    labels: Path | None = None,
    *,
    group_by: re.Pattern[str] | None = None,
    workers: int | None = None,
) -> Source:
    """Read the images that have a mask and, where there are image sets, stand in one of them.

    Two or more image sets are the split, and each image is a group unless `group_by` says else.
    Raises SagesegError for what is missing, and for colours without a labelmap.txt.
    """
    masks = {path.stem: path for path in list_files(root / "SegmentationClass", frozenset({".png"}), _EXPECTED)}
    images = {path.stem: path for path in list_files(root / "JPEGImages", IMAGE_SUFFIXES, _EXPECTED)}
    found = _labels(root, labels)
    splits = _image_sets(root, masks)
    stems = sorted(splits or masks)
    missing = [stem for stem in stems if stem not in images]
    if missing:
        raise SagesegError(f"{masks[missing[0]]}: no image {missing[0]} in {root / 'JPEGImages'}; add it")
    groups = {stem: group_of(stem, group_by) if group_by else stem for stem in stems}
    label = partial(_labelled, root=root, images=images, masks=masks, labels=found, groups=groups)
    labelled = tuple(map_parallel(label, stems, workers=workers, label="masks"))
    return Source("voc", found.classes, labelled, splits_of_groups(_several(splits), groups))


def _labelled(
    stem: str, *, root: Path, images: dict[str, Path], masks: dict[str, Path], labels: Labels, groups: dict[str, str]
) -> LabelledImage:
    mode = mask_mode(masks[stem])
    source = images[stem].relative_to(root).as_posix()
    if labels.colours:
        return LabelledImage(source, images[stem], ColourMask(masks[stem], labels.colours), groups[stem])
    if mode not in ("P", "L"):
        raise SagesegError(
            f"{masks[stem]}: mode {mode}, so it holds colours, and {root} has no labelmap.txt that says which; "
            "expected name:red,green,blue:: per line, as CVAT and Datumaro write it"
        )
    mask = IdMask(masks[stem], len(labels.classes))
    return LabelledImage(source, images[stem], mask, groups[stem], mask_is_final=mode == "P")


def _labels(root: Path, labels: Path | None) -> Labels:
    if labels:
        return Labels(read_label_list(labels))
    if (root / "labelmap.txt").is_file():
        return read_label_map(root / "labelmap.txt")
    for name in ("labels.txt", "class_names.txt"):
        if (root / name).is_file():
            return Labels(read_label_list(root / name))
    say(f"note: {root} has no labels.txt and no labelmap.txt; taking Pascal VOC 2012's twenty classes")
    return Labels(ClassTable((BACKGROUND, *VOC_2012)))


def _image_sets(root: Path, masks: dict[str, Path]) -> dict[str, str]:
    """The split of each image in ImageSets/Segmentation, without those of test that have no mask:
    VOC keeps them secret."""
    folder = root / "ImageSets" / "Segmentation"
    lists = {split: folder / f"{split}.txt" for split in SPLITS if (folder / f"{split}.txt").is_file()}
    splits = read_image_sets(lists)
    without = [stem for stem, split in splits.items() if stem not in masks and split != "test"]
    if without:
        path = lists[splits[without[0]]]
        raise SagesegError(f"{path}: {without[0]} has no mask in {root / 'SegmentationClass'}; add it or take it out")
    listed = {stem: split for stem, split in splits.items() if stem in masks}
    if lists and len(listed) < len(masks):
        say(f"note: {len(masks) - len(listed)} masks stand in none of {folder}'s image sets and are left out")
    return listed


def _several(splits: dict[str, str]) -> dict[str, str]:
    """One image set alone is a choice of images and no split."""
    return splits if len(set(splits.values())) > 1 else {}

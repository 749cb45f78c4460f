"""KITTI road: `training/image_2/um_000000.png` with `training/gt_image_2/um_road_000000.png`.

In the colour masks red is what is not road, magenta is road (or the ego lane). KITTI's devkit takes
blue > 0 for road and red > 0 for the area that is valid, so black is neither: KITTI does not score
it, and it becomes ignore (255). The categories are um (urban marked), umm (urban multiple marked)
and uu (urban unmarked); only um has lane masks.

The names number the images of a category but do not tell the drives. What is known is the
calibration, which changes with the day of recording: a sequence is a run of consecutive images of
one category with one calibration, and is the group. Without `calib/` the category is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from formats.classes import BACKGROUND, IGNORE, ClassTable
from formats.errors import Faults, SagesegError, raise_all
from formats.prepared.groups import group_of
from prep.readers.colour_masks import ColourMask
from prep.readers.labelled_image import LabelledImage, Source, leave_out
from prep.readers.source_files import list_files, read_text
from prep.readers.splits import splits_of_groups

TARGETS = ("road", "lane")
COLOURS = {(255, 0, 0): 0, (255, 0, 255): 1, (0, 0, 0): IGNORE}
_EXPECTED = "KITTI's data_road folder with training/image_2 and training/gt_image_2"
_STEM = re.compile(r"(?P<category>umm?|uu)_(?P<number>\d{6})")
_PAIR = re.compile(r"(\S+\.(?:png|jpe?g))\s+\S+\.png", re.IGNORECASE)
"""KittiSeg's line: an image and its mask."""
_CAMERAS = ("P0:", "P1:", "P2:", "P3:")


def read_kitti(
    root: Path,
    target: str,
    *,
    lists: dict[str, Path] | None = None,
    group_by: re.Pattern[str] | None = None,
) -> Source:
    """Read the training images that have a mask for `target`, road or lane.

    `lists` are KittiSeg's lists by split, lines of `image mask`: they choose the images and their
    split, and a sequence that they divide becomes two groups. Raises SagesegError for what is
    missing.
    """
    if target not in TARGETS:
        raise SagesegError(f"--target {target}: expected {' or '.join(TARGETS)}")
    images = {path.stem: path for path in list_files(root / "training" / "image_2", frozenset({".png"}), _EXPECTED)}
    masks = _masks(root, target)
    raise_all(
        SagesegError(f"{masks[stem]}: its image training/image_2/{stem}.png is missing; add it")
        for stem in sorted(set(masks) - set(images))
    )
    splits = _read_lists(lists, masks) if lists else {}
    stems = sorted(splits or masks)
    by_name = {stem: group_of(stem, group_by) for stem in stems} if group_by else None
    groups = by_name or _sequences(root, stems, splits)
    own = _known_sequences(root, stems)
    labelled = tuple(_labelled(root, images[stem], masks[stem], groups[stem], own.get(stem)) for stem in stems)
    classes = ClassTable((BACKGROUND, target))
    left_out = (
        *leave_out(f"images without a mask for {target}", [images[stem] for stem in sorted(images.keys() - masks)]),
        *leave_out("images in none of the lists", [images[stem] for stem in sorted(masks.keys() - stems)]),
    )
    return Source("kitti", classes, labelled, splits_of_groups(splits, groups), unit="sequence", left_out=left_out)


def _labelled(root: Path, image: Path, mask: Path, group: str, own_group: str | None) -> LabelledImage:
    category = image.stem.partition("_")[0]
    source = image.relative_to(root).as_posix()
    mask_source = ColourMask(mask, COLOURS)
    return LabelledImage(source, image, mask_source, group, {"category": category}, own_group=own_group)


def _masks(root: Path, target: str) -> dict[str, Path]:
    """The masks of a target by their image's stem."""
    folder = root / "training" / "gt_image_2"
    files = list_files(folder, frozenset({".png"}), f"um_{target}_000000.png")
    masks = {path.stem.replace(f"_{target}_", "_", 1): path for path in files if f"_{target}_" in path.stem}
    if not masks:
        raise SagesegError(
            f"{folder}: no mask for {target}, for example it has {files[0].name}; expected um_{target}_000000.png"
            + (", which KITTI has for um only" if target == "lane" else ", or pass --target lane")
        )
    return masks


def _sequences(root: Path, stems: list[str], splits: dict[str, str]) -> dict[str, str]:
    """The group of each image: the first image of its sequence, which ends where the category, the
    calibration or the listed split changes; just the category where nothing else is known."""
    groups: dict[str, str] = {}
    before: tuple[str | None, ...] = ()
    first = ""
    for stem in stems:
        match = _STEM.fullmatch(stem)
        if match is None:
            raise SagesegError(f"{stem}.png: expected a name like um_000000.png; rename it or pass --group-by REGEX")
        here = match["category"], _calibration(_calibration_path(root, stem)), splits.get(stem)
        if here != before:
            first = stem if here[1] or here[2] else match["category"]
        groups[stem], before = first, here
    return groups


def _known_sequences(root: Path, stems: list[str]) -> dict[str, str]:
    """The sequences as the calibration tells them, whatever lists and --group-by say, of images that have one."""
    calibrated = [stem for stem in stems if _STEM.fullmatch(stem) and _calibration(_calibration_path(root, stem))]
    return _sequences(root, calibrated, {})


def _calibration_path(root: Path, stem: str) -> Path:
    return root / "training" / "calib" / f"{stem}.txt"


def _calibration(path: Path) -> str | None:
    """The camera lines of a calibration file, None where there is none."""
    if not path.is_file():
        return None
    return "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if line.startswith(_CAMERAS))


def _read_lists(lists: dict[str, Path], masks: dict[str, Path]) -> dict[str, str]:
    """The split of each image that KittiSeg's lists name."""
    splits = _image_sets(lists)
    raise_all(
        SagesegError(f"{lists[split]}: {stem} has no mask in training/gt_image_2; add it")
        for stem, split in splits.items()
        if stem not in masks
    )
    return splits


def _image_sets(lists: Mapping[str, Path]) -> dict[str, str]:
    """The split of each image, by its stem. A line is a stem, or an image and its mask.

    Raises SagesegError for an image in two lists, or twice in one.
    """
    splits: dict[str, str] = {}
    faults = Faults()
    for split, path in lists.items():
        for number, stem in _stems(path):
            with faults:
                if stem in splits:
                    raise SagesegError(
                        f"{path}: line {number}: {stem} stands in {splits[stem]} already; remove one line"
                    )
                splits[stem] = split
    faults.check()
    return splits


def _stems(path: Path) -> list[tuple[int, str]]:
    lines = read_text(path, "one image per line").splitlines()
    return [(number, _stem(line)) for number, line in enumerate(lines, start=1) if line.strip()]


def _stem(line: str) -> str:
    pair = _PAIR.fullmatch(line.strip())
    name = Path(pair[1] if pair else line.strip()).name
    # VOC's lists have stems, which may hold dots and spaces; KittiSeg's have files
    return Path(name).stem if name.lower().endswith((".png", ".jpg", ".jpeg")) else name

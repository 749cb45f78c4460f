"""KITTI road: `training/image_2/um_000000.png` with `training/gt_image_2/um_road_000000.png`.

In the colour masks red is what is not road, magenta is road (or the ego lane). KITTI's devkit takes
blue > 0 for road and red > 0 for the area that is valid, so black is neither: KITTI does not score
it, and it becomes ignore (255). The categories are um (urban marked), umm (urban multiple marked)
and uu (urban unmarked); only um has lane masks.

Where road and lane are asked for together, an image needs both masks: lane is drawn over road, of which it is a
part. Road that the lane's mask leaves out of its valid area may be lane or not, and is ignore.

The names number the images of a category but do not tell the drives. What is known is the
calibration, which changes with the day of recording: a sequence is a run of consecutive images of
one category with one calibration, and is the group. Without `calib/` the category is. An image whose
file there is missing or damaged goes with the one before it, so that no sequence is divided for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.classes import BACKGROUND, IGNORE, ClassTable
from formats.console import say
from formats.errors import SagesegError, raise_all
from formats.masks import Mask
from formats.prepared.groups import group_of
from formats.texts.given_files import read_text
from prep.readers.colour_masks import ColourMask
from prep.readers.labelled_image import LabelledImage, MaskSource, Source, leave_out
from prep.readers.source_files import list_files
from prep.readers.splits import splits_of_groups, splits_of_images

TARGETS = {"road": ("road",), "lane": ("lane",), "road,lane": ("road", "lane")}
"""What --target takes, and the classes that each means."""
COLOURS = {(255, 0, 0): 0, (255, 0, 255): 1, (0, 0, 0): IGNORE}
_EXPECTED = "KITTI's data_road folder with training/image_2 and training/gt_image_2"
_STEM = re.compile(r"(?P<category>umm?|uu)_(?P<number>\d{6})")
_PAIR = re.compile(r"(\S+\.(?:png|jpe?g))\s+\S+\.png", re.IGNORECASE)
"""KittiSeg's line: an image and its mask."""
_CAMERAS = (b"P0:", b"P1:", b"P2:", b"P3:")


@dataclass(frozen=True)
class LaneOnRoad:
    """Background (0), road (1) and lane (2), from the masks of road and of lane. The time of the lane's change tells a
    run that goes on whether it is as it was."""

    road: MaskSource
    lane: ColourMask
    lane_changed: int

    @property
    def path(self) -> Path:
        return self.road.path

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.road.path, self.lane.path

    def read(self) -> Mask:
        road, lane = self.road.read(), self.lane.read()
        if road.shape != lane.shape:
            sizes = [f"{mask.shape[1]} x {mask.shape[0]}" for mask in (lane, road)]
            raise SagesegError(f"{self.lane.path}: {sizes[0]}; expected {sizes[1]}, the size of {self.road.path.name}")
        road[(road == 1) & (lane == IGNORE)] = IGNORE
        road[lane == 1] = 2
        return road


def read_kitti(
    root: Path,
    target: str,
    *,
    lists: dict[str, Path] | None = None,
    group_by: re.Pattern[str] | None = None,
) -> Source:
    """Read the training images that have a mask for `target`, of TARGETS in either order; of both masks where that
    names two.

    `lists` are KittiSeg's lists by split, lines of `image mask`: they choose the images and their
    split, and a sequence that they divide becomes two groups. Raises SagesegError for what is
    missing.
    """
    asked = ",".join(sorted((word.strip() for word in target.split(",")), reverse=True))
    if asked not in TARGETS:
        raise SagesegError(f"--target {target}: expected road, lane or road,lane")
    target = asked
    images = {path.stem: path for path in list_files(root / "training" / "image_2", frozenset({".png"}), _EXPECTED)}
    masks = _masks(root, TARGETS[target])
    raise_all(
        SagesegError(f"{masks[stem][0]}: its image training/image_2/{stem}.png is missing; add it")
        for stem in sorted(set(masks) - set(images))
    )
    splits = _read_lists(lists, masks) if lists else {}
    stems = sorted(splits or masks)
    by_name = {stem: group_of(stem, group_by) for stem in stems} if group_by else None
    calibrations = _calibrations(root, stems)
    groups = by_name or _sequences(stems, calibrations, splits)
    own = _sequences([stem for stem in stems if stem in calibrations], calibrations, {})
    labelled = tuple(_labelled(root, images[stem], masks[stem], groups[stem], own.get(stem)) for stem in stems)
    classes = ClassTable((BACKGROUND, *TARGETS[target]))
    wanted = " and ".join(TARGETS[target])
    left_out = (
        *leave_out(
            f"images without a mask for {wanted}",
            [images[stem] for stem in sorted(images.keys() - masks)],
        ),
        *leave_out("images in none of the lists", [images[stem] for stem in sorted(masks.keys() - stems)]),
    )
    return Source("kitti", classes, labelled, splits_of_groups(splits, groups), unit="sequence", left_out=left_out)


def _labelled(root: Path, image: Path, masks: list[Path], group: str, own_group: str | None) -> LabelledImage:
    category = image.stem.partition("_")[0]
    source = image.relative_to(root).as_posix()
    truth: MaskSource = ColourMask(masks[0], COLOURS)
    for lane in masks[1:]:
        truth = LaneOnRoad(truth, ColourMask(lane, COLOURS), lane.stat().st_mtime_ns)
    return LabelledImage(source, image, truth, group, {"category": category}, own_group=own_group)


def _masks(root: Path, targets: tuple[str, ...]) -> dict[str, list[Path]]:
    """The masks of all targets by the stem of their image, which has one for each."""
    of_each = [_masks_of(root / "training" / "gt_image_2", target) for target in targets]
    return {stem: [masks[stem] for masks in of_each] for stem in of_each[0] if all(stem in masks for masks in of_each)}


def _masks_of(folder: Path, target: str) -> dict[str, Path]:
    files = list_files(folder, frozenset({".png"}), f"um_{target}_000000.png")
    masks = {path.stem.replace(f"_{target}_", "_", 1): path for path in files if f"_{target}_" in path.stem}
    if not masks:
        raise SagesegError(
            f"{folder}: no mask for {target}, for example it has {files[0].name}; expected um_{target}_000000.png"
            + (", which KITTI has for um only" if target == "lane" else ", or pass --target lane")
        )
    return masks


def _sequences(stems: list[str], calibrations: Mapping[str, bytes], splits: Mapping[str, str]) -> dict[str, str]:
    """The group of each image: the first image of its sequence, which ends where the category, the
    calibration or the listed split changes; just the category where nothing else is known."""
    groups: dict[str, str] = {}
    before: tuple[str, bytes | None, str | None] = ("", None, None)
    first = ""
    for stem in stems:
        match = _STEM.fullmatch(stem)
        if match is None:
            raise SagesegError(f"{stem}.png: expected a name like um_000000.png; rename it or pass --group-by REGEX")
        category = match["category"]
        calibration = calibrations.get(stem, before[1] if category == before[0] else None)
        here = category, calibration, splits.get(stem)
        if here != before:
            first = stem if here[1] or here[2] else category
        groups[stem], before = first, here
    return groups


def _calibrations(root: Path, stems: list[str]) -> dict[str, bytes]:
    """The camera lines of the calibration file of each image that has one. A file without them, such as a copy that
    went wrong, is told: it is read for groups alone."""
    found = {}
    damaged = []
    for stem in stems:
        path = root / "training" / "calib" / f"{stem}.txt"
        if not path.is_file():
            continue
        cameras = b"".join(line for line in path.read_bytes().splitlines(keepends=True) if line.startswith(_CAMERAS))
        if cameras:
            found[stem] = cameras
        else:
            damaged.append(path)
    if damaged:
        say(
            f"note: {damaged[0]}: no line of P0 to P3, in {len(damaged)} calibration file(s): such images go into the "
            "group of the image before them; bring the files back, or pass --group-by REGEX"
        )
    return found


def _read_lists(lists: dict[str, Path], masks: Mapping[str, object]) -> dict[str, str]:
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
    return splits_of_images(
        (f"{path}: line {number}", stem, split) for split, path in lists.items() for number, stem in _stems(path)
    )


def _stems(path: Path) -> list[tuple[int, str]]:
    lines = read_text(path, "one image per line").splitlines()
    return [(number, _stem(line)) for number, line in enumerate(lines, start=1) if line.strip()]


def _stem(line: str) -> str:
    pair = _PAIR.fullmatch(line.strip())
    name = (pair[1] if pair else line.strip()).replace("\\", "/").rpartition("/")[2]
    # VOC's lists have stems, which may hold dots and spaces; KittiSeg's have files
    return Path(name).stem if name.lower().endswith((".png", ".jpg", ".jpeg")) else name

"""Labels that are mask files: what shows their layouts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prep.readers.classes.cityscapes import CITYSCAPES
from prep.readers.classes.label_list import CLASS_LISTS
from prep.recognise.images_beside import NO_IMAGES, told_missing
from prep.recognise.mask_classes import options_by_colours
from prep.recognise.recognised import Recognised, found, one_of
from prep.recognise.survey import Survey, beginning

_CARVANA = re.compile(r"[0-9a-f]{12}_\d\d_mask\.(?:gif|png)")


def voc(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "SegmentationClass", ".png")
    found_in = []
    for number, root in enumerate(roots, start=1):
        elsewhere = [] if (root / "JPEGImages").is_dir() else ["--images", NO_IMAGES]
        why = f"SegmentationClass{one_of(number, len(roots))}"
        binary, unnamed = options_by_colours(root, _masks_below(survey, root / "SegmentationClass"))
        missing = "; ".join(filter(None, (told_missing(elsewhere[-1]) if elsewhere else "", unnamed)))
        found_in.append(found("voc", "Pascal VOC's layout", why, root, *elsewhere, *binary, missing=missing))
    return found_in


def channels(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "train_annotation", ".png")
    return [_channels(survey, root, one_of(number, len(roots))) for number, root in enumerate(roots, start=1)]


def _channels(survey: Survey, root: Path, of_several: str) -> Recognised:
    name, why = "SageMaker's channels", f"train_annotation{of_several}"
    if any((root / name).is_file() for name in CLASS_LISTS):
        binary, unnamed = options_by_colours(root, _masks_below(survey, root / "train_annotation"))
        return found("channels", name, why, root, *binary, missing=unnamed)
    missing = "write labels.txt: the name of each value of the masks, one per line from 0 on"
    return found("channels", name, why, root, "--labels", "labels.txt", missing=missing)


def kitti(survey: Survey) -> list[Recognised]:
    roots = _parents_of(survey, "gt_image_2", ".png")
    return [
        found("kitti", "KITTI road", f"training/gt_image_2{one_of(number, len(roots))}", root.parent, *_target(root))
        for number, root in enumerate(roots, start=1)
    ]


def _target(training: Path) -> tuple[str, ...]:
    """Road is taken unless told; where only lanes have masks, these."""
    masks = training / "gt_image_2"
    lanes_alone = any(masks.glob("*_lane_*.png")) and not any(masks.glob("*_road_*.png"))
    return ("--target", "lane") if lanes_alone else ()


def kitti_semantic(survey: Survey) -> list[Recognised]:
    """Of ids and colours, which are the same labels, the ids. Programs that write this layout call its folders by
    other splits, and have classes of their own."""
    by_root = {
        root: name
        for name in ("semantic_rgb", "semantic")
        for root in _parents_of(survey, name, ".png")
        if root.absolute().name == "training" and (root / "image_2").is_dir()
    }
    return [
        found(
            "pairs",
            "KITTI's semantic benchmark",
            f"training/{name}{one_of(number, len(by_root))}",
            root / "image_2",
            root / name,
            "--map",
            CITYSCAPES,
        )
        for number, (root, name) in enumerate(by_root.items(), start=1)
    ]


def _masks_below(survey: Survey, folder: Path) -> list[Path]:
    return [path for path in survey.of(".png") if path.is_relative_to(folder)]


def _parents_of(survey: Survey, name: str, suffix: str) -> list[Path]:
    """The folders that hold a folder of this name with such files somewhere in it."""
    parents: dict[Path, None] = {}
    for path in survey.of(suffix) if survey.root.is_dir() else ():
        for folder in path.relative_to(survey.root).parents:
            if folder.name == name:
                parents[(survey.root / folder).parent] = None
    return list(parents)


def carvana(survey: Survey) -> list[Recognised]:
    masks = [path for path in survey.files if _CARVANA.fullmatch(path.name)]
    if not masks:
        return []
    images = {path.stem: path for path in survey.images if path.suffix.lower() in (".jpg", ".jpeg")}
    ours = [image for mask in masks if (image := images.get(mask.stem.removesuffix("_mask")))]
    folder = _folder_of_all(ours) if ours else NO_IMAGES
    place = _folder_of_all(ours) if ours else survey.root
    table = next((path for path in survey.of(".csv") if path.name == "metadata.csv" and _has_ids(path)), None)
    return [
        replace(
            found(
                "carvana",
                "Carvana's cars",
                masks[0].name,
                Path(folder),
                _folder_of_all(masks),
                *(("--metadata", table) if table else ()),
                missing=told_missing(folder),
            ),
            place=place,
        )
    ]


def _has_ids(table: Path) -> bool:
    """Whether a table's first line names a column `id`, as Carvana's metadata.csv does."""
    first, *_ = beginning(table).splitlines() or [""]
    return "id" in (name.strip('" \ufeff') for name in re.split("[,;\t]", first))


def _folder_of_all(files: Sequence[Path]) -> Path:
    """The folder of the first file; where each lies in one of several, such as a car's, the folder that holds these."""
    copies = len({path.stem for path in files}) < len(files)
    return files[0].parent if copies else Path(os.path.commonpath([path.parent for path in files]))

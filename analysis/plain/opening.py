"""Predictions opened, whichever way they lie: as `sageseg jobs predict` writes them, or as plain masks in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from analysis.plain.colours import find_label_map
from analysis.plain.folder import look_at_all, masks_by_key
from analysis.plain.matching import images_called, match_names
from analysis.plain.meaning import FolderMasks, read_names, settle, settle_unnamed
from analysis.plain.placing import (
    MASKS_OF,
    Placed,
    as_predictions,
    placed_whole,
    tell_scaled,
    tell_unmatched,
    whole_row,
    wrong_size,
)
from formats import predictions as prediction_files
from formats.classes import BACKGROUND, ClassTable
from formats.console import say
from formats.dataset import Dataset
from formats.errors import SagesegError, for_all
from formats.images import read_header
from formats.predictions import Predictions
from formats.prepared.groups import group_of_path
from formats.prepared.image_folder import open_image_folder
from formats.prepared.resize import recorded_resize, resized_size
from formats.prepared.source_names import name_sources
from formats.texts.wording import name_first

_CROP = re.compile(r"_x\d+_y\d+")
"""In the id of a crop (`formats.crops.crop_id`)."""


def is_plain(root: Path) -> bool:
    """Whether a folder, or what is none, has nothing of predictions but masks."""
    return not any(path.exists() for path in (root / "manifest.csv", prediction_files.info_path(root)))


def open_predictions(
    root: Path, *, dataset: Dataset | None = None, images: Path | None = None, workers: int | None = None
) -> Predictions:
    """Open predictions, or a plain folder of masks as such: of the dataset's images or crops, of the images in a
    folder, or of images that are called as the masks are.

    What is assumed is said. Raises SagesegError as `formats.predictions.open_predictions` does, and for masks that
    cannot be read, have other values or sizes than they should, or fit no image.
    """
    if not is_plain(root):
        opened = prediction_files.open_predictions(root)
        return named_as(opened, dataset.classes) if dataset else opened
    keys = masks_by_key(root)
    names = _names(dataset, images, keys)
    matched = {keys[key]: name for key, name in match_told(root, keys, names).items()}
    masks = look_at_all(root, list(matched), workers)
    place = _of_dataset(dataset, masks) if dataset else _of_images(images, masks, matched)
    placed = for_all(place, matched.items())
    tell_scaled(root, placed)
    named = find_names(root) or (dataset.classes if dataset else None)
    if named:
        classes, meaning = named, settle(masks, named, truth=False)
    else:
        classes, (meaning,) = settle_unnamed([(masks, False)])
    return as_predictions(masks, placed, meaning, classes, workers)


def grouped_by(predictions: Predictions, pattern: re.Pattern[str]) -> Predictions:
    """Predictions whose groups are the pattern's first capture in each image's name."""
    rows = for_all(
        lambda row: replace(row, group=group_of_path(PurePosixPath(_without_suffix(row.source)), pattern)),
        predictions.rows,
    )
    return replace(predictions, rows=tuple(rows))


def named_as(predictions: Predictions, classes: ClassTable) -> Predictions:
    """Predictions whose classes are called by the values of plain masks, 1 and so on, called as these are; others as
    they are."""
    by_value = (BACKGROUND, *(f"class_{value}" for value in range(1, len(classes))))
    if MASKS_OF not in predictions.info or predictions.classes is None or predictions.classes.names != by_value:
        return predictions
    say(f"note: {predictions.root}: its classes, which had numbers, are {name_first(classes.names[1:])} in this order")
    return replace(predictions, classes=classes)


def find_names(root: Path) -> ClassTable | None:
    """The classes of the labels.txt in a folder, or of the labelmap.txt beside its masks."""
    labels = root / "labels.txt"
    path = labels if labels.is_file() else find_label_map(root)
    if path is None:
        return None
    say(f"note: the classes are those of {path}")
    return read_names(path)


def match_told(
    root: Path, keys: Mapping[str, Path], names: Mapping[str, Collection[str]], *, of: str = "images"
) -> dict[str, str]:
    """What each mask of a folder fits, of those `names`; says how, and which are left out. Raises SagesegError where
    none fits any."""
    matched = match_names(root, keys, names)
    if not matched:
        mend = "rename the masks, <image>.png or <image>_mask.png"
        if all(_CROP.search(key) for key in keys):
            mend = "masks of crops need --dataset, which knows where each lies; or put them together first"
        raise SagesegError(
            f"{root}: no mask is called like one of the {of}; masks: {name_first(list(keys))};"
            f" {of}: {name_first(list(names))}: {mend}"
        )
    unlike = next((key for key, name in matched.items() if key not in names[name]), None)
    if unlike:
        say(f"note: {root}: matched by name, such as {unlike} with {matched[unlike]}")
    tell_unmatched(root, [key for key in keys if key not in matched], f"called like none of the {of}")
    return matched


def _names(dataset: Dataset | None, images: Path | None, keys: Iterable[str]) -> dict[str, set[str]]:
    """What a mask may be of, each with the names by which it is known: crops and sources of a dataset by their ids,
    images of a folder by their paths; without either, images that are called like the masks."""
    if dataset:
        names: dict[str, set[str]] = {}
        for row in dataset.rows:
            names.setdefault(row.source_stem, {row.source_stem, _without_suffix(row.source)})
            names.setdefault(row.id, {row.id})
        return names
    if images:
        return {each.source: {_without_suffix(each.source), each.name} for each in open_image_folder(images).images}
    called = images_called(list(keys))
    say(f"note: the images of these masks are taken to be called {called[0]}.jpg and so on")
    return {f"{name}.jpg": {name} for name in called}


def _without_suffix(source: str) -> str:
    return PurePosixPath(source).with_suffix("").as_posix()


Place = Callable[[tuple[Path, str]], Placed]
"""Gives a mask's file, and what it is of, its row."""


def _of_images(images: Path | None, masks: FolderMasks, matched: Mapping[Path, str]) -> Place:
    names = name_sources(list(matched.values()))

    def place(fitting: tuple[Path, str]) -> Placed:
        path, source = fitting
        size = masks.looks[path].size
        image = read_header(images / source).size if images else size
        group = group_of_path(PurePosixPath(_without_suffix(source)), None)
        return placed_whole(path, size, whole_row(names[source], "", group, source, image))

    return place


def _of_dataset(dataset: Dataset, masks: FolderMasks) -> Place:
    rows = {row.id: row for row in dataset.rows}
    sources = {row.source_stem: row for row in dataset.rows}
    resize = recorded_resize(dataset.info)

    def place(fitting: tuple[Path, str]) -> Placed:
        path, name = fitting
        size, crop = masks.looks[path].size, rows.get(name)
        if crop and size == (crop.width, crop.height):
            return Placed(path, crop)
        if name not in sources:
            raise wrong_size(path, size, f"the crop {name}", (rows[name].width, rows[name].height))
        row = sources[name]
        whole = whole_row(name, row.split, row.group, row.source, (row.source_width, row.source_height))
        return placed_whole(path, size, whole, resized_size(whole.width, whole.height, resize))

    return place

"""A folder of true masks beside predictions, without a dataset: made into one for as long as the command runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from analysis.plain.folder import look_at_all, masks_by_key, temporary_folder
from analysis.plain.matching import images_called, match_names
from analysis.plain.meaning import FolderMasks, read_names, settle, settle_unnamed
from analysis.plain.opening import find_names, is_plain, match_told, named_as
from analysis.plain.placing import (
    Placed,
    Size,
    as_predictions,
    placed_whole,
    tell_scaled,
    tell_unmatched,
    whole_row,
    write_masks,
)
from formats import dataset as dataset_files
from formats.classes import ClassTable
from formats.console import say, show_as
from formats.dataset import Dataset
from formats.disk.whole_files import write_unfinished
from formats.errors import SagesegError, for_all
from formats.images import (
    encode_image,
    is_plain_jpeg,
    read_encoded,
    read_header,
    read_image,
)
from formats.manifest import ManifestRow
from formats.parallel import map_all
from formats.predictions import Predictions, need_classes
from formats.predictions import open_predictions as open_written
from formats.prepared.groups import group_of_path
from formats.prepared.image_folder import open_image_folder
from formats.prepared.source_names import name_sources
from formats.texts.wording import name_first


@dataclass(frozen=True)
class TruthFolder:
    """What was given in place of a dataset. `partial` lets true masks be without a prediction."""

    root: Path
    labels: Path | None = None
    images: Path | None = None
    group_by: re.Pattern[str] | None = None
    partial: bool = False


def open_with_truth(root: Path, truth: TruthFolder, *, workers: int | None = None) -> tuple[Predictions, Dataset]:
    """Predictions, or a plain folder of masks, and a dataset of the true masks that fit them, both of whole images.

    Without `labels` the classes are those of the predictions or of a labels.txt beside masks, else the values that
    the masks hold. What is assumed is said. Raises SagesegError where masks and truth do not fit each other.
    """
    if dataset_files.info_path(truth.root).is_file():
        raise SagesegError(f"{truth.root}: a dataset; give it as --dataset {truth.root}")
    keys = masks_by_key(truth.root)
    if is_plain(root):
        return _of_masks(root, truth, keys, workers)
    return _of_written(_whole(open_written(root)), truth, keys, workers)


def _of_masks(
    root: Path, truth: TruthFolder, keys: Mapping[str, Path], workers: int | None
) -> tuple[Predictions, Dataset]:
    own = masks_by_key(root)
    matched = match_told(root, own, {key: {key} for key in keys}, of="true masks")
    _check_complete(truth, keys, matched.values(), root)
    true_masks = look_at_all(truth.root, [keys[key] for key in matched.values()], workers)
    masks = look_at_all(root, [own[key] for key in matched], workers)
    sizes = {key: true_masks.looks[keys[key]].size for key in matched.values()}
    images = _images_of(truth, sizes)
    rows = _rows_of_truth(truth, keys, sizes, images)
    placed = for_all(
        lambda fit: placed_whole(
            own[fit[0]], masks.looks[own[fit[0]]].size, rows[fit[1]], of=keys[fit[1]].relative_to(truth.root).as_posix()
        ),
        matched.items(),
    )
    tell_scaled(root, placed)
    classes, true_classes = _names(root, truth)
    if classes and true_classes:
        true_meaning = settle(true_masks, true_classes, truth=True)
        meaning = settle(masks, classes, truth=False)
    else:
        classes, (true_meaning, meaning) = settle_unnamed([(true_masks, True), (masks, False)])
    predictions = as_predictions(masks, placed, meaning, classes, workers)
    truths = [Placed(keys[key], rows[key]) for key in matched.values()]
    shown = {rows[key].id: path for key, path in images.items()}
    return predictions, _as_dataset(true_masks, truths, true_meaning, true_classes or classes, shown, workers)


def _names(root: Path, truth: TruthFolder) -> tuple[ClassTable | None, ClassTable | None]:
    """The classes of the predictions and of the truth: lists of both folders are compared later."""
    if truth.labels:
        named = read_names(truth.labels)
        return named, named
    own, true = find_names(root), find_names(truth.root)
    return own or true, true or own


def _of_written(
    predictions: Predictions, truth: TruthFolder, keys: Mapping[str, Path], workers: int | None
) -> tuple[Predictions, Dataset]:
    rows = {PurePosixPath(row.source).with_suffix("").as_posix(): row for row in predictions.predicted()}
    known = {key: {key, row.source_stem} for key, row in rows.items()}
    matched = match_told(truth.root, keys, known, of="predicted images")
    _check_complete(truth, keys, matched, predictions.root)
    named = read_names(truth.labels) if truth.labels else find_names(truth.root)
    predictions = named_as(predictions, named) if named else predictions
    classes = named or need_classes(predictions, "a report")
    masks = look_at_all(truth.root, [keys[key] for key in matched], workers)

    def place(fitting: tuple[str, str]) -> Placed:
        row, path = rows[fitting[1]], keys[fitting[0]]
        group = group_of_path(PurePosixPath(fitting[1]), truth.group_by) if truth.group_by else row.group
        size = (row.source_width, row.source_height)
        whole = whole_row(row.source_stem, row.split, group, row.source, size)
        return placed_whole(path, masks.looks[path].size, whole)

    placed = for_all(place, matched.items())
    tell_scaled(truth.root, placed)
    without = [key for key in rows if key not in matched.values()]
    tell_unmatched(predictions.root, without, "called like no true mask")
    stems = {each.row.id for each in placed}
    judged = replace(predictions, rows=tuple(row for row in predictions.rows if row.source_stem in stems))
    meaning = settle(masks, classes, truth=True)
    images = _images_of(truth, matched.values())
    shown = {rows[key].source_stem: path for key, path in images.items()}
    return judged, _as_dataset(masks, placed, meaning, classes, shown, workers)


def _whole(predictions: Predictions) -> Predictions:
    """Predictions of whole images, each at its own size."""
    for row in predictions.rows:
        if row.kept and (row.x, row.y, row.width, row.height) != (0, 0, row.source_width, row.source_height):
            raise SagesegError(
                f"{predictions.root}: predictions of crops, or of resized images; put them together first: sageseg "
                f"analysis stitch {predictions.root} --out STITCHED, and report STITCHED"
            )
    return predictions


def _check_complete(truth: TruthFolder, keys: Iterable[str], matched: Iterable[str], root: Path) -> None:
    """Scores of some images alone would flatter."""
    missing = sorted(set(keys) - set(matched))
    if not missing:
        return
    told = f"{truth.root}: true masks without a prediction in {root}, {len(missing)} in all: {name_first(missing)}"
    if not truth.partial:
        raise SagesegError(f"{told}; predict them too, or add --partial to score what there is")
    say(f"note: {told}; they are not scored")


def _rows_of_truth(
    truth: TruthFolder, keys: Mapping[str, Path], sizes: Mapping[str, Size], images: Mapping[str, Path]
) -> dict[str, ManifestRow]:
    """The row of each true mask, by its key; its source is its image; without images it is what that would be called:
    reports with and without them have images in common."""
    if truth.images:
        sources = {key: images[key].relative_to(truth.images).as_posix() for key in sizes}
    else:
        called = zip(sizes, images_called(list(sizes)), strict=True)
        sources = {key: f"{name}{keys[key].suffix}" for key, name in called}
    names = name_sources(list(sources.values()))
    unlike = next(
        (key for key in sizes if not truth.images and PurePosixPath(sources[key]).stem != PurePosixPath(key).name), None
    )
    if unlike:
        say(f"note: {truth.root}: the image of {unlike} is called {names[sources[unlike]]} in the report, and so on")
    rows = {}
    for key, source in sources.items():
        group = group_of_path(PurePosixPath(source).with_suffix(""), truth.group_by)
        rows[key] = whole_row(names[source], "", group, source, sizes[key])
    if truth.group_by is None and len({row.group for row in rows.values()}) == len(rows):
        say("note: intervals take each image as a group of its own; --group-by REGEX names those of one car or video")
    return rows


def _images_of(truth: TruthFolder, keys: Collection[str]) -> dict[str, Path]:
    """The image of each key, which is a path without suffix; nothing where no images were given. Raises SagesegError
    for keys without one."""
    if truth.images is None:
        return {}
    found = {each.source: each for each in open_image_folder(truth.images).images}
    called = {source: {each.name, PurePosixPath(source).with_suffix("").as_posix()} for source, each in found.items()}
    matched = match_names(truth.root, keys, called)
    missing = [key for key in keys if key not in matched]
    if missing:
        raise SagesegError(
            f"{truth.images}: no image for {len(missing)} masks: {name_first(missing)}; add them, or leave --images out"
        )
    return {key: found[source].path for key, source in matched.items()}


def _as_dataset(
    masks: FolderMasks,
    placed: Sequence[Placed],
    meaning: Mapping[int, int],
    classes: ClassTable,
    images: Mapping[str, Path],
    workers: int | None,
) -> Dataset:
    """A dataset of whole images in a folder that is gone when the command ends; `images` by the rows' ids. A row
    without image is one that was dropped, whose truth is there."""
    root = temporary_folder(masks.root.resolve().name)
    show_as(f"{root / 'truth'}", str(masks.root))
    show_as(str(root), str(masks.root))
    for folder in ("truth", "JPEGImages"):
        (root / folder).mkdir()
    work = [(each.path, dataset_files.truth_path(root, each.row.id), each.row) for each in placed]
    write_masks(masks, work, meaning, workers)
    shown = [(images[each.row.id], root, each.row) for each in placed if each.row.id in images]
    for _ in map_all(_write_image, shown, workers=workers, label="reading images"):
        pass
    rows = tuple(
        replace(each.row, kept=each.row.id in images, truth_sha256=hashlib.sha256(to.read_bytes()).hexdigest())
        for each, (_, to, _) in zip(placed, work, strict=True)
    )
    return Dataset(root, classes, rows, {})


def _write_image(work: tuple[Path, Path, ManifestRow]) -> None:
    path, root, row = work
    size = read_header(path).size
    if size != (row.width, row.height):
        raise SagesegError(
            f"{path}: {size[0]}×{size[1]} pixels, but its mask has {row.width}×{row.height}; give the images of these "
            "masks, or leave --images out"
        )
    content = read_encoded(path)
    kept = content if is_plain_jpeg(content) else encode_image(read_image(path))
    write_unfinished(dataset_files.image_path(root, row.id), kept)
